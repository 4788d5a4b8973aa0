"""How a server under test is driven: what a scenario may ask of any of them, and the drivers."""

from __future__ import annotations

from simulator.sut.base import CapabilityMissing, ServerUnderTest, Surroundings
from simulator.sut.drivers import start
from simulator.sut.embedded import EmbeddedServer
from simulator.sut.settings import SutSettings

__all__ = ["CapabilityMissing", "EmbeddedServer", "ServerUnderTest", "Surroundings", "SutSettings", "start"]
