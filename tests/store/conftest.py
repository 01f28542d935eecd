from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("toy_extraction.py")


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The module `toy_extraction.py`."""
    spec = importlib.util.spec_from_file_location("toy_extraction", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_extraction"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def start_toy(project_root: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts an extraction in a process of its own."""

    def start(
        corpus: Path, root: Path | str, delay_s: float, *layers: int, partners: int = 1, **further: str
    ) -> subprocess.Popen[str]:
        words = [sys.executable, str(SCRIPT), str(corpus), str(root), str(delay_s), *map(str, layers)]
        environment = {"PYTHONPATH": str(project_root), "OMP_NUM_THREADS": "1", "PARTNERS": str(partners)}
        environment |= further
        return subprocess.Popen(
            words, cwd=project_root, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


@pytest.fixture(scope="module")
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, toy: ModuleType) -> Path:
    """As many made-up voices as the file of the test says in UTTERANCES."""
    folder = tmp_path_factory.mktemp("corpus")
    toy.make_corpus(folder, request.module.UTTERANCES)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, toy: ModuleType, corpus: Path
) -> Path:
    """The place of a store that one process filled in one go, with frames of LAYERS."""
    root = tmp_path_factory.mktemp("uninterrupted")
    toy.run(corpus, root, layers=request.module.LAYERS)
    return root


@dataclass(frozen=True)
class ObjectServer:
    """A real server of the S3 protocol on this machine, and the environment that leads to it."""

    environment: dict[str, str]
    client: Any

    def bucket(self) -> str:
        """A new one."""
        name = f"b{uuid.uuid4().hex}"
        self.client.create_bucket(Bucket=name)
        return name

    def contents(self, bucket: str) -> dict[str, str]:
        """Checksum of every object by its key."""
        found = self.client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {item["Key"]: item["ETag"] for item in found}


@pytest.fixture(scope="session")
def object_server() -> Iterator[ObjectServer]:
    """Moto's, on a free port of the loopback; started once, for importing it takes seconds."""
    server_module = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    from botocore.session import Session

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    environment = {
        "AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up-secret",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "FSSPEC_S3_ENDPOINT_URL": url,
    }  # fmt: skip
    session = Session()
    session.set_credentials("made-up", "made-up-secret")
    yield ObjectServer(environment, session.create_client("s3", region_name="us-east-1", endpoint_url=url))
    server.stop()


@pytest.fixture
def s3(object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    """The server, configured in this process as the environment does it in others."""
    import fsspec
    import s3fs

    for name, value in object_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(
        fsspec.config.conf, "s3", {"endpoint_url": object_server.environment["FSSPEC_S3_ENDPOINT_URL"]}
    )
    s3fs.S3FileSystem.clear_instance_cache()
    yield object_server
    s3fs.S3FileSystem.clear_instance_cache()
