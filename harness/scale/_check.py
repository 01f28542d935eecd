"""Settings of a scale that cannot be meant, told before anything is read."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from harness.config import ScaleConfig
from harness.errors import ConfigError, UnknownNameError, did_you_mean


def backends() -> list[str]:
    """Names that `scale=` takes."""
    folder = str(Path(__file__).parent)
    return sorted(item.name for item in pkgutil.iter_modules([folder]) if not item.name.startswith("_"))


def backend(name: str) -> ModuleType:
    """The module of a backend.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in backends():
        raise UnknownNameError(
            f"there is no scale called {name}", got=name, wanted=did_you_mean(name, backends()),
            next_step="scale=processes, scale=ray or scale=dask",
        )  # fmt: skip
    return importlib.import_module(f"harness.scale.{name}")


def check(settings: ScaleConfig) -> None:
    """Refuse settings that cannot be worked with.

    Raises:
        ConfigError: numbers out of range, an address that the backend does not have, a package that is missing.
    """
    module = backend(settings.name)
    faults = [*_out_of_range(settings), *_address_faults(settings, module)]
    if faults:
        raise ConfigError(
            "the scale cannot be worked with",
            got="; ".join(got for got, _ in faults),
            wanted="; ".join(wanted for _, wanted in faults),
            next_step="correct scale.*, or leave it out",
        )
    _require_package(settings.name, module)


def _out_of_range(settings: ScaleConfig) -> Iterator[tuple[str, str]]:
    """What was got and what was wanted, for every number that is too small."""
    least = {"workers": 1, "threads": 1, "retries": 0, "gpus": 0}
    for name, lowest in least.items():
        value = getattr(settings, name)
        if value is not None and not value >= lowest:
            yield f"scale.{name}={value}", f"scale.{name}, at least {lowest}"
    if settings.memory_gib is not None and not settings.memory_gib > 0:
        yield f"scale.memory_gib={settings.memory_gib}", "scale.memory_gib, more than 0"


def _address_faults(settings: ScaleConfig, module: ModuleType) -> Iterator[tuple[str, str]]:
    wanted: str = module.ADDRESS
    if settings.address is not None and not module.is_address(settings.address):
        yield f"scale={settings.name} scale.address={settings.address}", wanted


def _require_package(name: str, module: ModuleType) -> None:
    if module.PACKAGE is not None and find_spec(module.PACKAGE) is None:
        raise ConfigError(
            f"scale={name} needs a package that is not installed",
            got=f"no package called {module.PACKAGE}",
            wanted=f"emoharness with its extra {name}, here and on every node",
            next_step=f'pip install "emoharness[{name}]"',
        )
