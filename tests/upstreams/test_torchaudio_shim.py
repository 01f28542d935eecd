"""Each obstacle between s3prl, transformers and today's torchaudio, before and after the mending.

What was imported cannot be un-imported, so import states are looked at in fresh interpreters. The real packages
are tried in one of them (it costs seconds); the states that this machine does not have (a torchaudio that loads
natively, one of another CUDA version) are tiny packages made for the test.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from harness.errors import AudioError, PluginError
from upstreams import _torchaudio_shim as shim

ROOT = Path(__file__).resolve().parents[2]


def run_fresh(script: str, *search_path: Path) -> dict[str, Any]:
    """Run a script in a fresh interpreter; its last line is a JSON object."""
    paths = os.pathsep.join(str(path) for path in (*search_path, ROOT))
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


BEFORE_AND_AFTER = """
import importlib, json, sys

def attempt(action):
    try:
        return repr(action())
    except Exception as fault:
        return f"FAULT {type(fault).__name__}"

def states():
    return {
        "torchaudio": attempt(lambda: importlib.import_module("torchaudio").__name__),
        "transformers": attempt(lambda: importlib.import_module("transformers").Wav2Vec2Model.__name__),
        "backend": attempt(lambda: importlib.import_module("torchaudio").set_audio_backend("sox_io")),
        "sox": attempt(lambda: importlib.import_module("torchaudio.sox_effects").apply_effects_tensor.__name__),
        "info": attempt(lambda: importlib.import_module("torchaudio").info(FILE).num_frames),
        "load": attempt(lambda: tuple(importlib.import_module("torchaudio").load(FILE)[0].shape)),
        "hub": attempt(lambda: (importlib.import_module("huggingface_hub").HfFolder.__name__,
                                importlib.import_module("huggingface_hub").Repository.__name__)),
    }

before = states()
from upstreams import _torchaudio_shim
_torchaudio_shim.install()
after = states()
import torch, torchaudio.compliance.kaldi
fbank = torchaudio.compliance.kaldi.fbank(torch.randn(1, 16000), num_mel_bins=80)
available = torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE
aligned = attempt(lambda: torchaudio.functional.forced_align(torch.randn(1, 4, 3), torch.ones(1, 2).int()))
print(json.dumps({"before": before, "after": after, "fbank": list(fbank.shape), "native": available,
                  "aligned": aligned, "loader": type(torchaudio.__spec__.loader).__name__}))
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The installed packages, before and after `install()` in one process (a failed import is tried again)."""
    file = tmp_path_factory.mktemp("sound") / "stereo.wav"
    soundfile.write(file, np.zeros((1600, 2), dtype=np.float32), 16000)
    return run_fresh(f"FILE = {str(file)!r}\n{BEFORE_AND_AFTER}")


def test_obstacle_1_the_compiled_part_is_of_another_build(real: dict[str, Any]) -> None:
    if real["native"]:
        pytest.skip("torchaudio loads natively on this machine")
    assert real["before"]["torchaudio"] == "FAULT OSError"
    assert real["before"]["transformers"].startswith("FAULT")
    assert real["after"]["torchaudio"] == "'torchaudio'"
    assert real["after"]["transformers"] == "'Wav2Vec2Model'"
    assert real["fbank"] == [98, 80]
    assert real["aligned"] == "FAULT RuntimeError", "what needs the compiled part says so itself"


def test_obstacle_2_names_that_left_with_2_9(real: dict[str, Any]) -> None:
    assert {real["before"][name][:5] for name in ("backend", "sox", "info")} == {"FAULT"}
    assert real["after"]["backend"] == "None"
    assert real["after"]["sox"] == "'apply_effects_tensor'"
    assert real["after"]["info"] == "1600"


def test_obstacle_3_load_needs_no_torchcodec(real: dict[str, Any]) -> None:
    assert real["before"]["load"].startswith("FAULT")
    assert real["after"]["load"] == "(2, 1600)"


def test_obstacle_4_names_that_left_the_hub(real: dict[str, Any]) -> None:
    assert real["before"]["hub"] == "FAULT AttributeError"
    assert real["after"]["hub"] == "('HfFolder', 'Repository')"


def test_the_loader_steps_out_of_sight(real: dict[str, Any]) -> None:
    assert real["loader"] == "SourceFileLoader"


def test_install_imports_nothing_and_is_idempotent() -> None:
    script = """
import json, sys
from upstreams import _torchaudio_shim
before = set(sys.modules)
for _ in range(3):
    _torchaudio_shim.install()
hooks = [finder for finder in sys.meta_path if "shim" in type(finder).__module__]
heavy = {"torch", "torchaudio", "soundfile", "numpy", "huggingface_hub", "transformers"} & set(sys.modules)
print(json.dumps({"new": sorted(set(sys.modules) - before), "heavy": sorted(heavy), "hooks": len(hooks)}))
"""
    assert run_fresh(script) == {"new": [], "heavy": [], "hooks": 1}


# -------------------------------------------------------------------- states that this machine does not have


def write_package(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


UTILS = "def _load_lib(library):\n    return True\n"
NATIVE_EXTENSION = (
    "from .utils import _load_lib\n_IS_TORCHAUDIO_EXT_AVAILABLE = _load_lib('_torchaudio')\n{after}\n"
)
OLD_NAMES = "from . import _extension\ndef load(): return 'own'\n" + "".join(
    f"def {name}(): return 'own'\n"
    for name in ("save", "info", "set_audio_backend", "get_audio_backend", "list_audio_backends")
)
OLD = {
    "torchaudio/__init__.py": OLD_NAMES + "class AudioMetaData: pass\nfrom . import sox_effects\n",
    "torchaudio/sox_effects.py": "def apply_effects_tensor(): return 'own'\n",
    "torchaudio/_extension/__init__.py": NATIVE_EXTENSION.format(after=""),
    "torchaudio/_extension/utils.py": UTILS,
}
NEW = {
    "torchaudio/__init__.py": "from . import _extension\ndef load_with_torchcodec(): return 'own'\n"
    "def load(): return 'own'\ndef save(): return 'own'\n",
    "torchaudio/_extension/__init__.py": NATIVE_EXTENSION.format(after=""),
    "torchaudio/_extension/utils.py": UTILS,
}
LOOK = """
import json
from upstreams import _torchaudio_shim
if {installed}:
    _torchaudio_shim.install()
import torchaudio
owners = {{name: getattr(value, "__module__", type(value).__name__) for name, value in vars(torchaudio).items()
          if not name.startswith("__")}}
owners["extension"] = torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE
print(json.dumps(owners))
"""


def test_inert_where_torchaudio_is_whole(tmp_path: Path) -> None:
    write_package(tmp_path, OLD)
    without = run_fresh(LOOK.format(installed=False), tmp_path)
    assert run_fresh(LOOK.format(installed=True), tmp_path) == without
    assert without["info"] == "torchaudio"


@pytest.mark.parametrize(
    ("codec", "reader"), [("", "torchaudio"), ("raise RuntimeError('no FFmpeg')", "shim")]
)
def test_native_2_9_gets_its_lost_names_and_keeps_a_reader_that_works(
    tmp_path: Path, codec: str, reader: str
) -> None:
    write_package(tmp_path, {**NEW, "torchcodec/__init__.py": "", "torchcodec/decoders.py": codec})
    found = run_fresh(LOOK.format(installed=True), tmp_path)
    assert found["extension"] is True
    assert found["info"] == found["set_audio_backend"] == "upstreams._torchaudio_shim"
    assert found["load"].endswith(reader)
    assert found["save"].endswith(reader)


@pytest.mark.parametrize("fault", ["OSError('no libcudart')", "RuntimeError('different CUDA versions')"])
def test_a_compiled_part_of_another_cuda_is_left_out(tmp_path: Path, fault: str) -> None:
    broken = NATIVE_EXTENSION.format(after=f"if _IS_TORCHAUDIO_EXT_AVAILABLE: raise {fault}")
    write_package(tmp_path, {**NEW, "torchaudio/_extension/__init__.py": broken})
    found = run_fresh(LOOK.format(installed=True), tmp_path)
    assert found["extension"] is False
    assert found["load"] == "upstreams._torchaudio_shim"


def test_another_fault_in_torchaudio_is_not_hidden(tmp_path: Path) -> None:
    write_package(tmp_path, {**NEW, "torchaudio/__init__.py": "raise ValueError('a real defect')"})
    with pytest.raises(AssertionError, match="a real defect"):
        run_fresh(LOOK.format(installed=True), tmp_path)


def test_a_finder_in_front_keeps_its_say(tmp_path: Path) -> None:
    write_package(tmp_path, OLD)
    script = """
import importlib.util, json, sys
from upstreams import _torchaudio_shim
_torchaudio_shim.install()
class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "torchaudio":
            raise ImportError("refused")
sys.meta_path.insert(0, Refuse)
try:
    import torchaudio
except ImportError as fault:
    print(json.dumps({"fault": str(fault), "missing": importlib.util.find_spec("no_such_package") is None}))
"""
    assert run_fresh(script, tmp_path) == {"fault": "refused", "missing": True}


def test_what_was_imported_before_is_mended_at_install(tmp_path: Path) -> None:
    write_package(tmp_path, NEW)
    script = """
import json, torchaudio
from upstreams import _torchaudio_shim
_torchaudio_shim.install()
print(json.dumps({"info": torchaudio.info.__module__, "sox": torchaudio.sox_effects.__name__}))
"""
    wanted = {"info": "upstreams._torchaudio_shim", "sox": "torchaudio.sox_effects"}
    assert run_fresh(script, tmp_path) == wanted


# ------------------------------------------------------------------------------------------- the stand-ins


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    path = tmp_path / "stereo.flac"
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (800, 2)).astype(np.float32)
    soundfile.write(path, samples, 8000, subtype="PCM_24")
    return path


def test_load_reads_a_part_and_either_axis_order(stereo: Path) -> None:
    whole, rate_hz = shim.load(stereo)
    part, _ = shim.load(stereo, frame_offset=100, num_frames=50, channels_first=False)
    from_memory, _ = shim.load(io.BytesIO(stereo.read_bytes()))
    assert (whole.shape, whole.dtype, rate_hz) == ((2, 800), torch.float32, 8000)
    assert torch.equal(part, whole[:, 100:150].T)
    assert torch.equal(from_memory, whole)


def test_save_and_info_tell_the_same(tmp_path: Path) -> None:
    wave = torch.linspace(-1, 1, 400).reshape(2, 200)
    shim.save(tmp_path / "new.wav", wave, 16000)
    facts = shim.info(tmp_path / "new.wav")
    assert (facts.sample_rate, facts.num_frames, facts.num_channels, facts.bits_per_sample) == (
        16000,
        200,
        2,
        16,
    )
    again, _ = shim.load(tmp_path / "new.wav")
    assert torch.allclose(again, wave, atol=2**-15), "16-bit quantisation"


@pytest.mark.parametrize("read", [shim.load, shim.info])
def test_an_unreadable_file_is_named(tmp_path: Path, read: Any) -> None:
    (tmp_path / "noise.wav").write_bytes(b"not a sound")
    with pytest.raises(AudioError, match=r"noise\.wav"):
        read(tmp_path / "noise.wav")


def test_sox_effects_that_s3prl_asks_for() -> None:
    shim.install()
    wave = torch.stack([torch.full((8000,), 0.25), torch.full((8000,), 0.75)])
    mono, rate_hz = shim.apply_effects_tensor(
        wave, 8000, [["channels", "1"], ["rate", "16000"], ["norm", "-6"]]
    )
    assert (mono.shape, rate_hz) == ((1, 16000), 16000)
    assert float(mono.abs().max()) == pytest.approx(10 ** (-6 / 20))
    same, _ = shim.apply_effects_tensor(torch.zeros(1, 9), 8000, [["norm"]])
    assert torch.equal(same, torch.zeros(1, 9)), "silence has no peak to scale"


@pytest.mark.parametrize("effect", [["reverb", "50"], ["channels", "3"]])
def test_other_effects_are_refused(effect: list[str]) -> None:
    with pytest.raises(PluginError, match=r"reverb|channels 3"):
        shim.apply_effects_tensor(torch.zeros(2, 9), 8000, [effect])


def test_repository_says_what_took_its_place() -> None:
    with pytest.raises(PluginError, match="upload_folder"):
        shim.Repository(local_dir="x", clone_from="y")


def test_a_blocked_import_stays_blocked() -> None:
    script = """
import json, sys
sys.modules["torchaudio"] = None
from upstreams import _torchaudio_shim
_torchaudio_shim.install()
try:
    import torchaudio
except ImportError as fault:
    print(json.dumps({"fault": type(fault).__name__}))
"""
    assert run_fresh(script) == {"fault": "ModuleNotFoundError"}
