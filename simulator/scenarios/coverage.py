"""Which scenarios and tests show each requirement (R1 to R81) and each contradiction (C1 to C21)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.scenarios.page import code, escaped
from simulator.scenarios.selection import Scenario
from simulator.scenarios.sources import requirements, sentences
from simulator.scenarios.text import aligned

CITATIONS: Final = Path(__file__).with_name("citations.json")
"""Which tests of the project cite which id; generated from them, since the tests are not installed."""


@dataclass(frozen=True, slots=True)
class Covered:
    """One requirement and what shows it."""

    id: str
    "R… or C…."
    sentence: str
    "What it says."
    scenarios: tuple[Scenario, ...]
    "Those that cite it."
    tests: tuple[str, ...]
    "Tests of the project that cite it, `tests/test_names.py::test_example`."

    @property
    def shown(self) -> bool:
        """Something cites it."""
        return bool(self.scenarios or self.tests)

    @property
    def families(self) -> dict[str, int]:
        """The scenarios without their cases, each with the number of its cases."""
        counts: dict[str, int] = {}
        for scenario in self.scenarios:
            counts[scenario.family] = counts.get(scenario.family, 0) + 1
        return counts

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "id": self.id,
            "sentence": self.sentence,
            "scenarios": [scenario.id for scenario in self.scenarios],
            "tests": list(self.tests),
        }


def citations() -> dict[str, tuple[str, ...]]:
    """The tests that cite each id, as they were when the file was generated."""
    found: dict[str, list[str]] = json.loads(CITATIONS.read_text(encoding="utf-8"))
    return {identifier: tuple(tests) for identifier, tests in found.items()}


def coverage(scenarios: Iterable[Scenario]) -> tuple[Covered, ...]:
    """What shows each requirement, in their order."""
    scenarios = tuple(scenarios)
    tests, said = citations(), sentences()
    return tuple(
        Covered(
            identifier,
            said[identifier],
            tuple(scenario for scenario in scenarios if identifier in scenario.sources),
            tests.get(identifier, ()),
        )
        for identifier in requirements()
    )


def as_text(covered: Iterable[Covered], form: str | None = None) -> str:
    """As `json`, as a page in `markdown`, or a line for each: how many scenarios + tests, and which."""
    covered = tuple(covered)
    if form == "json":
        return json.dumps([one.as_json() for one in covered], indent=2) + "\n"
    if form == "markdown":
        return _page(covered)
    rows = [(one.id, _counts(one), ", ".join(_names(one)) or f"nothing shows: {one.sentence}") for one in covered]
    return "".join(f"{line}\n" for line in aligned(rows, "<><"))


def _page(covered: tuple[Covered, ...]) -> str:
    lines = ["# Coverage of the requirements", "", "| id | requirement | shown by |", "| --- | --- | --- |"]
    for one in covered:
        names = ", ".join(code(name) for name in _names(one)) or "**nothing**"
        lines.append(f"| {one.id} | {escaped(one.sentence)} | {names} |")
    return "\n".join(lines) + "\n"


def _counts(one: Covered) -> str:
    return f"{len(one.scenarios)} + {len(one.tests)}"


def _names(one: Covered) -> list[str]:
    scenarios = [name if count == 1 else f"{name} ({count} cases)" for name, count in one.families.items()]
    return [*scenarios, *one.tests]
