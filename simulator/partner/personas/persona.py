"""What makes a persona."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final, Literal

from simulator import trust
from simulator.discovery import DiscoveryRules
from simulator.errors import ConfigurationError, Problem
from simulator.io.connections import ConnectionHabits
from simulator.io.dialect import Dialect
from simulator.partner.personas.answers import FailureAnswers
from simulator.partner.personas.habits import S4B, EdgeHabits

Mark = Literal["spec", "doc", "trace", "memory", "inference", "choice", "own"]
"""How sure a value is: read in a specification, in vendor documentation, or in captured traffic; remembered; concluded;
a choice of this simulator where no product is meant; set by whoever derived the persona."""

NO_MARKS: Final[Mapping[str, Mark]] = MappingProxyType({})


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
    links: ConnectionHabits = S4B
    "How its edge uses connections."
    edge: EdgeHabits = field(default_factory=EdgeHabits)
    "How its edge checks senders and limits strangers."
    answers: FailureAnswers = field(default_factory=FailureAnswers)
    "What it answers to each failure (dialect facts §5.3)."
    policy: Literal["edge", "tenant"] = "edge"
    "Which lists its administrators have: those of a Skype for Business edge, or those of a Teams tenant (F3.6)."
    marks: Mapping[str, Mark] = field(default_factory=lambda: NO_MARKS, hash=False)
    "How sure those values are that are another product's, or less sure than what the switch itself says."

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", self.name):
            advice = "use lower-case letters, digits, dots and hyphens, as in acme-variant"
            raise ConfigurationError([Problem("persona", f"{self.name!r} is no name for a persona; {advice}")])

    def but(self, **changes: Any) -> Persona:
        """The same persona with some values changed; the switches of its parts are named directly:
        `SFB_2019.but(name_rule=False, follow_cname=False, connections=1)`.

        Raises ConfigurationError for a name that no persona has, with the names that come near.
        """
        unknown = [name for name in changes if name not in _PLACES]
        if unknown:
            raise ConfigurationError([Problem(name, _advice(name)) for name in unknown])
        own = {name: value for name, value in changes.items() if _PLACES[name] == ""}
        for part in PARTS:
            values = {name: value for name, value in changes.items() if _PLACES[name] == part}
            if values:
                own[part] = replace(own.get(part, getattr(self, part)), **values)
        marks = dict(self.marks) | {name: "own" for name in changes if _PLACES[name]} | dict(own.pop("marks", {}))
        return replace(self, marks=MappingProxyType(marks), **own)

    def values(self) -> Iterator[tuple[str, str, object]]:
        """Part, name and value of every switch."""
        for part in PARTS:
            values = getattr(self, part)
            for switch in fields(values):
                yield part, switch.name, getattr(values, switch.name)


PARTS: Final[dict[str, type]] = {
    "dialect": Dialect,
    "discovery": DiscoveryRules,
    "rules": trust.Rules,
    "links": ConnectionHabits,
    "edge": EdgeHabits,
    "answers": FailureAnswers,
}
"The parts of a persona whose values are switches; no name stands in two of them."
_PLACES: Final = {entry.name: "" for entry in fields(Persona)} | {
    switch.name: part for part, kind in PARTS.items() for switch in fields(kind)
}


def _advice(name: str) -> str:
    near = get_close_matches(name, _PLACES, n=3, cutoff=0.6)
    which = f"did you mean {' or '.join(near)}?" if near else "`sipfed personas sfb-2019` lists them all."
    return f"no persona has such a switch; {which}"
