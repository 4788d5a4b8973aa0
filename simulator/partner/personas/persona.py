"""What makes a persona."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from simulator import trust
from simulator.discovery import DiscoveryRules
from simulator.errors import ConfigurationError, Problem
from simulator.io.connections import ConnectionHabits
from simulator.io.dialect import Dialect
from simulator.partner.personas.answers import FAILURES, Answer, FailureAnswers
from simulator.partner.personas.habits import S4B, EdgeHabits
from simulator.sip.reasons import REASONS

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

        An answer to a failure may be given as a status alone: `SFB_2019.but(domain_blocked=403)`. Raises
        ConfigurationError for a name that no persona has, with the names that come near, and for a value that the
        switch cannot have.
        """
        problems = [Problem(name, _advice(name)) for name in changes if name not in _PLACES]
        changes = {name: self._answer(name, value) for name, value in changes.items()}
        problems += [problem for name, value in changes.items() if (problem := _misfit(name, value)) is not None]
        if problems:
            raise ConfigurationError(problems)
        own = {name: value for name, value in changes.items() if _PLACES[name] == ""}
        for part in PARTS:
            values = {name: value for name, value in changes.items() if _PLACES[name] == part}
            if values:
                try:
                    own[part] = replace(own.get(part, getattr(self, part)), **values)
                except ValueError as error:
                    raise ConfigurationError([Problem(", ".join(values), str(error))]) from error
        marks = dict(self.marks) | {name: "own" for name in changes if _PLACES[name]} | dict(own.pop("marks", {}))
        return replace(self, marks=MappingProxyType(marks), **own)

    def _answer(self, name: str, value: Any) -> Any:
        """The answer with another status, where only that was given."""
        if _PLACES.get(name) != "answers" or isinstance(value, bool) or not isinstance(value, int):
            return value
        row: Answer = getattr(self.answers, name)
        known = {answer.status: answer.reason for answer in map(partial(getattr, self.answers), FAILURES)}
        return replace(row, status=value, reason=known.get(value) or REASONS.get(value, ""))

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


@cache
def _choices() -> dict[str, tuple[object, ...]]:
    """What each switch may be set to, where that is a choice between a few values."""
    found: dict[str, tuple[object, ...]] = {}
    for kind in PARTS.values():
        for name, hint in get_type_hints(kind).items():
            if hint is bool:
                found[name] = (True, False)
            elif get_origin(hint) is Literal:
                found[name] = get_args(hint)
    return found


def _misfit(name: str, value: object) -> Problem | None:
    """What is wrong with a value, as far as its kind tells."""
    if _PLACES.get(name) == "answers" and not isinstance(value, Answer):
        return Problem(name, f"{value!r} is no answer; give a status such as 403, or an Answer")
    if isinstance(value, Answer) and not _can_be_sent(value.status):
        return Problem(name, f"{value.status} is no final answer that can be sent; give one of 200 to 699, but not 408")
    choices = _choices().get(name)
    if choices is None or any(
        value is choice or (value == choice and type(value) is type(choice)) for choice in choices
    ):
        return None
    return Problem(name, f"{value!r} is none of its values: {', '.join(map(repr, choices))}")


def _can_be_sent(status: int) -> bool:
    """Whether it is a final status, none (0), and none that only a proxy's clock makes (408: RFC 4320 §4.2)."""
    return status == 0 or (200 <= status <= 699 and status != 408)


def _advice(name: str) -> str:
    near = get_close_matches(name, _PLACES, n=3, cutoff=0.6)
    which = f"did you mean {' or '.join(near)}?" if near else "`sipfed personas sfb-2019` lists them all."
    return f"no persona has such a switch; {which}"
