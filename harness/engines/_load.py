"""The one way to a frozen model: from a card, a device, an engine and a precision to an upstream."""

from __future__ import annotations

import logging
from functools import partial

from harness import models
from harness.contracts import Card, Traceable, Upstream
from harness.engines._bf16 import load_bf16
from harness.engines._by_length import ByLength
from harness.engines._cache import Place, made, place_of, stored
from harness.engines._export import as_graph, refuse_deviant
from harness.engines._session import PROVIDERS, OnnxUpstream
from harness.errors import ConfigError, did_you_mean

_LOG = logging.getLogger("harness")

ENGINES = ("auto", "torch", "onnx")
PRECISIONS = ("fp32", "bf16")


def load(card: Card, *, device: str = "cpu", engine: str = "auto", precision: str = "fp32") -> Upstream:
    """The upstream of a card, ready to extract; `computed` says what computes it.

    Args:
        card: of the checkpoint.
        device: `cpu` or `cuda`; `auto` is the caller's to settle.
        engine: `torch`, `onnx`, or `auto`: on a CPU the graph, where there can be one that gives torch's numbers.
        precision: `fp32`, or `bf16` where the hardware computes it.

    Raises:
        WeightsError: the weights are missing, truncated or of another architecture.
        ConfigError: the engine or the precision is not to be had for this model on this device.
    """
    _check("engine", engine, ENGINES)
    _check("precision", precision, PRECISIONS)
    if precision == "bf16":
        _refuse_bf16_graph(engine)
        return load_bf16(card, device)
    if engine == "onnx":
        return _as_graph(card, device)
    if engine == "auto" and device == "cpu":
        return _fastest(card)
    return models.load_upstream(card, device)


def _as_graph(card: Card, device: str) -> OnnxUpstream:
    """The graph and nothing else."""
    _check_provider(device)
    place = place_of(card, device)
    graph = stored(place, card, device) if place else None
    if graph is None:
        upstream = models.load_upstream(card)
        if not isinstance(upstream, Traceable):
            raise _not_traceable(card)
        graph = made(place, upstream, device) if place else as_graph(upstream, device)
    refuse_deviant(graph)
    return graph


def _fastest(card: Card) -> Upstream:
    """On a CPU: the graph where one can be kept and gives torch's numbers, else torch."""
    place = place_of(card, "cpu")
    graph = stored(place, card, "cpu") if place else None
    if graph is None:
        upstream = models.load_upstream(card)
        if isinstance(upstream, Traceable):
            graph = _tried(place, upstream)
        if graph is None:
            return upstream
    try:
        refuse_deviant(graph)
    except ConfigError as fault:
        _LOG.warning("torch computes %s instead: %s", card.name, fault)
        return models.load_upstream(card)
    return ByLength(graph, partial(_as_graph, card, "cpu"), partial(models.load_upstream, card))


def _tried(place: Place | None, upstream: Traceable) -> OnnxUpstream | None:
    """A graph that is made now; None, and a line that says why, where there can be none."""
    name = upstream.card.name
    if place is None:
        _LOG.info("torch computes %s: nothing names its weights, so no graph of them can be kept", name)
        return None
    try:
        return made(place, upstream, "cpu")
    except Exception as fault:  # whatever an exporter stumbles over costs speed, not the run
        _LOG.warning("torch computes %s: no graph, %s: %s", name, type(fault).__name__, _first_line(fault))
        return None


def _first_line(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0][:200]


def _check(setting: str, got: str, known: tuple[str, ...]) -> None:
    if got not in known:
        raise ConfigError(f"{setting}={got} is none", wanted=did_you_mean(got, known))


def _refuse_bf16_graph(engine: str) -> None:
    if engine == "onnx":
        raise ConfigError(
            "the graphs of ONNX Runtime compute in fp32",
            got="engine=onnx precision=bf16",
            wanted="one of the two",
            next_step="engine=torch precision=bf16, or engine=onnx precision=fp32",
        )


def _check_provider(device: str) -> None:
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if PROVIDERS.get(device) not in available:
        raise ConfigError(
            f"this ONNX Runtime does not compute on {device}",
            got=f"engine=onnx device={device}, with {', '.join(available)}",
            wanted=PROVIDERS.get(device, " or ".join(PROVIDERS)),
            next_step="engine=torch, or device=cpu, or install onnxruntime-gpu in place of onnxruntime",
        )


def _not_traceable(card: Card) -> ConfigError:
    return ConfigError(
        f"{card.name} cannot be computed by ONNX Runtime",
        got=f"engine=onnx with the family {card.family}, which has no graph of one utterance",
        wanted="an upstream that is Traceable",
        next_step="engine=torch, or engine=auto",
    )
