"""Outcomes with a grade, for scenarios whose sources disagree or leave a choice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from simulator.errors import ConfigurationError, ExpectationFailed, Problem
from simulator.outcome import Outcome

Grade = Literal["ok", "tolerable", "not ok"]
"""How good an outcome is: as it should be, worth a remark, or a failure."""

GRADES: tuple[Grade, ...] = get_args(Grade)
"""From the best to the worst."""

Outcomes = Mapping[str, Grade | tuple[Grade, str]]
"""What may happen, each with its grade, and with the reason of the grade where it is not `ok`."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One outcome that a scenario lists."""

    outcome: str
    "What happens, in a word or two."
    grade: Grade
    "How good that is."
    why: str = ""
    "The reason of the grade, a sentence."

    def __str__(self) -> str:
        return f"{self.outcome} is {self.grade}" + (f": {self.why}" if self.why else "")


def graded(outcomes: Outcomes) -> tuple[Graded, ...]:
    """Read a table of outcomes; ValueError when a grade is none, or a grade that is not `ok` has no reason."""
    table = tuple(
        Graded(name, value) if isinstance(value, str) else Graded(name, *value) for name, value in outcomes.items()
    )
    for one in table:
        if one.grade not in GRADES:
            raise ValueError(f"{one.grade!r} is no grade; the grades are {', '.join(GRADES)}")
        if one.grade != "ok" and not one.why:
            raise ValueError(f'outcome {one.outcome!r} needs a reason: write ("{one.grade}", "why it is")')
    return table


@dataclass(slots=True)
class _Watch:
    place: str
    table: tuple[Graded, ...]
    seen: list[Graded]


_watches: list[_Watch] = []


@contextlib.contextmanager
def watching(place: str, table: tuple[Graded, ...]) -> Iterator[list[Graded]]:
    """Let `happened` know which scenario runs; the list fills with what it reports.

    Raises ExpectationFailed at the end of a scenario that lists outcomes and reported none.
    """
    watch = _Watch(place, table, [])
    _watches.append(watch)
    try:
        yield watch.seen
    finally:
        _watches.remove(watch)
    if table and not watch.seen:
        raise ExpectationFailed(f"The scenario lists outcomes and never said which of them happened. {_listed(table)}")


def happened(what: str | Outcome) -> Grade:
    """Report which of the scenario's `outcomes` happened; one that is `not ok`, or not listed, fails the scenario.

    `what` is a name in the table, or the outcome of an attempt, which is looked up as `delivered`, or as
    `failed <status>`, `failed in <phase>` and `failed`, whichever is listed first in this order.
    """
    if not _watches:
        raise ConfigurationError([Problem("happened()", "is called from a scenario: a test marked with @scenario.")])
    watch = _watches[-1]
    if not watch.table:
        message = "lists no outcomes; give @scenario(outcomes={...})."
        raise ConfigurationError([Problem(watch.place, message)])
    names = _names(what)
    found = next((one for name in names for one in watch.table if one.outcome == name), None)
    said = f"{what}." if isinstance(what, Outcome) else f"the outcome was {what!r}."
    if found is None:
        raise ExpectationFailed(f"No listed outcome happened, but {said} {_listed(watch.table)}")
    watch.seen.append(found)
    if found.grade == "not ok":
        raise ExpectationFailed(f"Not acceptable, but {said} {found.why}")
    return found.grade


def worst(grades: list[Grade]) -> Grade:
    """The worst of them; `ok` when there are none."""
    return max(grades, key=GRADES.index, default="ok")


def _names(what: str | Outcome) -> tuple[str, ...]:
    if isinstance(what, str):
        return (what,)
    if what.delivered:
        return ("delivered",)
    return (f"failed {what.status}", f"failed in {what.phase}", "failed")


def _listed(table: tuple[Graded, ...]) -> str:
    return "Listed: " + "; ".join(f"{one.outcome} ({one.grade})" for one in table) + "."
