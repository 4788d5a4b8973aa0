"""The command line, a module for each group of `sipfed` commands; what is heavy is imported where it is used."""

from __future__ import annotations

from simulator.cli import catalogue, certificates, connect_server, doctor, explore, init, personas, sut
from simulator.cli.group import main

__all__ = ["catalogue", "certificates", "connect_server", "doctor", "explore", "init", "main", "personas", "sut"]
