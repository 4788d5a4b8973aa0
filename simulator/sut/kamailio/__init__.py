"""Kamailio as a real server under test, on Linux: it federates, and the users behind it are ours."""

from __future__ import annotations

from simulator.sut.kamailio.driver import KamailioServer

__all__ = ["KamailioServer"]
