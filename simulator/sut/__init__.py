"""How a server under test is driven: what a scenario may ask of any of them, and the drivers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.sut.base import CapabilityMissing, ServerUnderTest, Surroundings
    from simulator.sut.drivers import start
    from simulator.sut.embedded import EmbeddedServer
    from simulator.sut.settings import SutSettings

__all__ = ["CapabilityMissing", "EmbeddedServer", "ServerUnderTest", "Surroundings", "SutSettings", "start"]

_HOMES = {
    "CapabilityMissing": "base",
    "EmbeddedServer": "embedded",
    "ServerUnderTest": "base",
    "Surroundings": "base",
    "SutSettings": "settings",
    "start": "drivers",
}


def __getattr__(name: str) -> object:
    """Import what is asked for at its first use: who lists the catalogue needs the words of `capabilities` only."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
