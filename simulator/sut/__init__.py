"""How a server under test is driven: what a scenario may ask of any of them, and the embedded one."""

from __future__ import annotations

from simulator.sut.base import ServerUnderTest
from simulator.sut.embedded import EmbeddedServer

__all__ = ["EmbeddedServer", "ServerUnderTest"]
