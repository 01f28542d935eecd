"""Where a suite is planned for, and how fast that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.config import build
from harness.costs import CORE_FLOP_PER_S
from harness.errors import ConfigError
from harness.forecast._gpus import PEAK_TFLOPS

HEAD_SHARE = 0.5
"""Of a core's usual rate that the training of a small head reaches: it reads as much as it multiplies."""
_OF_THE_PEAK = ("gpu", "precision", "share")
"""Settings that a stated rate makes idle."""


@dataclass(frozen=True, kw_only=True)
class SuiteRequest:
    """Where and how fast; all of it can be set on the command line."""

    suite: str
    upstream: list[str] = field(default_factory=list)
    """Empty: those of the suite."""
    workers: int = 8
    threads: int = 8
    """Cores of a worker, for the heads; and for the upstreams on `device=cpu`."""
    scale: Literal["processes", "ray", "dask"] = "ray"
    device: Literal["cuda", "cpu"] = "cuda"
    gpu: str = "h100"
    precision: Literal["fp32", "bf16"] = "fp32"
    share: float = 0.4
    """Of the GPU's published peak that extraction is taken to reach."""
    rate_tflops: float | None = None
    """A measured rate of one worker, in the place of all that."""

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.gpu not in PEAK_TFLOPS:
            raise ConfigError(
                "there is no published peak of this GPU here",
                got=f"gpu={self.gpu}",
                wanted=f"one of {', '.join(PEAK_TFLOPS)}",
                next_step="give what it does with your networks: rate_tflops=...",
            )

    @property
    def flop_per_s(self) -> float:
        """Of one worker, for the upstreams."""
        if self.rate_tflops is not None:
            return self.rate_tflops * 1e12
        if self.device == "cpu":
            return CORE_FLOP_PER_S * self.threads
        return PEAK_TFLOPS[self.gpu][self.precision] * 1e12 * self.share

    @property
    def core_rate(self) -> float:
        """Of one worker, for the heads, which are trained on its cores."""
        return CORE_FLOP_PER_S * HEAD_SHARE * self.threads


def _check_numbers(request: SuiteRequest) -> None:
    positive = {"workers": request.workers, "threads": request.threads, "share": request.share}
    positive |= {} if request.rate_tflops is None else {"rate_tflops": request.rate_tflops}
    wrong = [f"{name}={value}" for name, value in positive.items() if not value > 0]
    wrong += [f"share={request.share}"] if request.share > 1 else []
    if wrong:
        raise ConfigError(
            "the workers of a plan cannot be so",
            got=", ".join(wrong),
            wanted="numbers above 0, and a share of at most 1",
            next_step="python -m harness plan --help",
        )


def request_of(given: Mapping[str, Any]) -> SuiteRequest:
    """A request out of `key=value` settings.

    Raises:
        ConfigError: a value of the wrong type.
    """
    _refuse_idle(given)
    renamed = {key.removeprefix("scale."): value for key, value in given.items()}
    if isinstance(renamed.get("upstream"), str):
        renamed["upstream"] = [name for name in renamed["upstream"].split(",") if name]
    return build(SuiteRequest, renamed, where="plan")


def _refuse_idle(given: Mapping[str, Any]) -> None:
    """Settings that would do nothing beside a stated rate or on cores."""
    why = "rate_tflops" if given.get("rate_tflops") is not None else ""
    why = why or ("device=cpu" if given.get("device") == "cpu" else "")
    idle = [name for name in _OF_THE_PEAK if name in given] if why else []
    if idle:
        raise ConfigError(
            f"{', '.join(idle)} would do nothing beside {why}",
            got=" ".join(f"{name}={given[name]}" for name in idle),
            wanted="a rate, or what it is reckoned from",
            next_step=f"drop {' and '.join(idle)}, or {why}",
        )
