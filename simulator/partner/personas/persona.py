"""What makes a persona."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from simulator import trust
from simulator.io.dialect import Dialect
from simulator.names import Fqdn


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
    name_rule: bool
    "Whether an SRV target must lie in the SIP domain (F1.11)."
    hosting_providers: frozenset[Fqdn] = frozenset()
    "Targets that the name rule does not apply to (F1.1)."
    refusal_status: int = 504
    "What a sender is answered whose domain, record or certificate does not fit (dialect facts §5.3)."
    refusal_reason: str = "Server time-out"
    "The reason phrase with it, as Microsoft writes it (dialect facts §5.3)."

    def but(self, **changes: Any) -> Persona:
        """The same persona with some values changed; values of the dialect may be named directly."""
        own = {name: value for name, value in changes.items() if name in self.__dataclass_fields__}
        rest = {name: value for name, value in changes.items() if name not in own}
        dialect = replace(own.pop("dialect", self.dialect), **rest)
        return replace(self, dialect=dialect, **own)
