"""What makes a persona."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from simulator import trust
from simulator.discovery import DiscoveryRules
from simulator.io.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Persona:
    """One product as a federation partner; derive another one with `but`."""

    name: str
    "As a test writes it: `sfb-2019`."
    about: str
    "One line for people."
    dialect: Dialect
    "How it writes SIP."
    rules: trust.Rules
    "What it asks of the certificates of its peers."
    discovery: DiscoveryRules
    "How it finds its peers: the name rule, and a switch for every doubtful point (F1.16, F1.17, F1.20)."
    refusal_status: int = 504
    "What a sender is answered whose domain, record or certificate does not fit (dialect facts §5.3)."
    refusal_reason: str = "Server time-out"
    "The reason phrase with it, as Microsoft writes it (dialect facts §5.3)."

    def but(self, **changes: Any) -> Persona:
        """The same persona with some values changed; those of the dialect and of the discovery may be named directly:
        `SFB_2019.but(name_rule=False, follow_cname=False)`.
        """
        own = {name: value for name, value in changes.items() if name in self.__dataclass_fields__}
        finding = {name: value for name, value in changes.items() if name in _DISCOVERY}
        rest = {name: value for name, value in changes.items() if name not in own and name not in finding}
        dialect = replace(own.pop("dialect", self.dialect), **rest)
        discovery = replace(own.pop("discovery", self.discovery), **finding)
        return replace(self, dialect=dialect, discovery=discovery, **own)


_DISCOVERY = frozenset(switch.name for switch in fields(DiscoveryRules))
