"""From a loaded network to a graph on disk."""

from __future__ import annotations

import gc
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.contracts import Traceable
from harness.engines._computed import deviation, probe_sounds, probed
from harness.engines._session import OnnxUpstream
from harness.errors import ConfigError

TOLERANCE = 1e-4
"""Largest deviation from torch with which a graph stands for a network: that of a batch from single clips."""
GRAPH = "graph.onnx"


def write_graph(upstream: Traceable, folder: Path) -> None:
    """Write `graph.onnx` and its weights, (1, samples) -> (layers, frames, dim) for any number of samples.

    ONNX Runtime optimises the graph when it opens it. onnxscript's optimiser is left out: its rules remember what
    they last matched, and with it the weights of the whole network.
    """
    import torch

    example = probe_sounds(upstream.card, (1.0,))[-1][None]
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            upstream.single(),
            (example,),
            dynamo=True,
            dynamic_shapes=({1: torch.export.Dim.DYNAMIC},),
            input_names=["wave"],
            output_names=["states"],
            optimize=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx gave no program")
    program.save(folder / GRAPH, external_data=True)


def exported(upstream: Traceable, folder: Path, device: str = "cpu") -> OnnxUpstream:
    """Write an upstream's graph into a folder, open it, and measure how far it lies from torch."""
    write_graph(upstream, folder)
    gc.collect()
    graph = OnnxUpstream(upstream.card, folder / GRAPH, device)
    return graph.measured(deviation(probed(upstream), probed(graph)))


def as_graph(upstream: Traceable, device: str = "cpu") -> OnnxUpstream:
    """A loaded upstream as a graph of its own, kept nowhere: for random weights and benchmarks.

    Raises:
        ConfigError: the graph's numbers are not torch's.
    """
    with tempfile.TemporaryDirectory(prefix="emoharness-graph-") as folder:
        graph = exported(upstream, Path(folder), device)
    refuse_deviant(graph)
    return graph


def refuse_deviant(graph: OnnxUpstream) -> None:
    """Raises ConfigError where a graph's deviation is unknown or above `TOLERANCE`."""
    found = graph.computed.deviation
    if found is None or not found <= TOLERANCE:
        raise ConfigError(
            f"ONNX Runtime does not give torch's numbers for {graph.card.name}",
            got=f"a relative deviation of {found} on probe sounds",
            wanted=f"at most {TOLERANCE}",
            next_step="engine=torch",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what torch says about its own inner workings out of the user's log."""
    speakers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [speaker.level for speaker in speakers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for speaker in speakers:
            speaker.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for speaker, level in zip(speakers, levels, strict=True):
                speaker.setLevel(level)
