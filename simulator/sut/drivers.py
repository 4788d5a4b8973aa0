"""Which drivers there are: those that are shipped, and those that other packages bring as entry points."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from simulator.errors import ConfigurationError, Problem
from simulator.sut.base import ServerUnderTest, Surroundings
from simulator.sut.settings import SutSettings

GROUP: Final = "sipfed.drivers"
"The entry point group: each names a function with the signature of `Driver`."

Driver = Callable[[SutSettings, Surroundings], ServerUnderTest]
"Starts or finds the server and returns it; raises ConfigurationError where it cannot."

SHIPPED: Final[dict[str, str]] = {
    "embedded": "simulator.sut.starting:embedded",
    "embedded-process": "simulator.sut.process:embedded_process",
    "http": "simulator.sut.http:http",
    "command": "simulator.sut.command:command",
    "manual": "simulator.sut.manual:manual",
    "wire-only": "simulator.sut.wire:wire_only",
    "kamailio": "simulator.sut.starting:kamailio",
}
"By the name in `sut.toml`; loaded when used."


def driver_names() -> list[str]:
    """All names that `driver = ...` may have, the shipped ones first."""
    return [*SHIPPED, *(name for name in sorted(_brought()) if name not in SHIPPED)]


def start(settings: SutSettings, around: Surroundings) -> ServerUnderTest:
    """Start or find the server that the settings describe.

    Raises ConfigurationError where there is no such driver, or the driver says what is wrong.
    """
    return _load(settings.driver)(settings, around)


def _load(name: str) -> Driver:
    if name in SHIPPED:
        module, _, function = SHIPPED[name].partition(":")
        driver: Driver = getattr(importlib.import_module(module), function)
        return driver
    point = _brought().get(name)
    if point is None:
        known = ", ".join(driver_names())
        raise ConfigurationError([Problem("driver", f"there is no driver {name!r}; there is {known}")])
    try:
        brought: Driver = point.load()
    except (ImportError, AttributeError) as error:
        where = f"{point.value} of {point.dist.name if point.dist else 'a package'}"
        raise ConfigurationError([Problem(f"driver {name}", f"{where} cannot be loaded: {error}")]) from error
    return brought


def _brought() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
