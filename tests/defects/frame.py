"""Seeded defects: plausible faults of a Connect Server or a persona, each applied from outside, each caught by name.

To add one, write a function in `areas/<area>.py` (a new file is a new area; name it as the area of the catalogue)::

    @defect(caught_by=("trust/refused-*[wildcard]",), says=("certificate: *.fabrikam",))
    def accepts_wildcard(patch: pytest.MonkeyPatch) -> None:
        '''The server accepts a wildcard certificate.'''
        from simulator.connect_server import ways

        patch.setattr(ways, "PEER_RULES", replace(ways.PEER_RULES, wildcard_ok=True))

Its id is `<area>/accepts-wildcard`, its sentence the docstring. Import what is patched inside the function; patch where
a name is used, not only where it is defined. The product has no switches for defects: everything is done with `patch`.

`pytest tests/defects -k accepts-wildcard` runs the scenarios that must catch it; with `--whole-catalogue` everything,
and then no scenario outside its area (and `also`) may fail. `tox -e defects` does that for all of them and compares the
table in simulator/scenarios/DEFECTS.md; `tox -e defects -- --write-table` writes it.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from simulator.scenarios.selection import fits

AREAS = Path(__file__).with_name("areas")
ROOT = Path(__file__).parents[2]
TIME_LIMIT = 300.0
"Seconds after which one round of the catalogue is said to hang."

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Defect:
    """One plausible fault."""

    area: str
    "What it is about: an area of the catalogue."
    name: str
    "In few words, with hyphens."
    sentence: str
    "What goes wrong."
    caught_by: tuple[str, ...]
    "Scenarios, or patterns of them, that must fail: at least one for each."
    also: tuple[str, ...]
    "Areas, scenarios or patterns beside its own area that may fail as well."
    says: tuple[str, ...]
    "What at least one of the failure texts must contain."
    apply: Patch
    "Makes it so."

    @property
    def id(self) -> str:
        """`area/name`, as scenarios have it."""
        return f"{self.area}/{self.name}"

    def may_fail(self, scenario: str) -> bool:
        """Whether a failure of this scenario has to do with the defect."""
        return named(scenario, (self.area, *self.also, *self.caught_by))


def defect(
    *, caught_by: Iterable[str], also: Iterable[str] = (), says: Iterable[str] = ()
) -> Callable[[Patch], Defect]:
    """Make a defect of a function that applies it; see the head of this module."""
    patterns = tuple(caught_by)
    if isinstance(caught_by, str) or isinstance(also, str) or isinstance(says, str) or not patterns:
        raise ValueError('caught_by is a tuple with at least one scenario: ("trust/expired",), with the comma')

    def make(apply: Patch) -> Defect:
        sentence = (apply.__doc__ or "").strip().partition("\n")[0]
        if not sentence:
            raise ValueError(f"{apply.__name__}: the docstring's first line must say what goes wrong")
        area = apply.__module__.rpartition(".")[2].replace("_", "-")
        name = apply.__name__.replace("_", "-")
        return Defect(area, name, sentence, patterns, tuple(also), tuple(says), apply)

    return make


@cache
def all_defects() -> tuple[Defect, ...]:
    """Every defect of every area, in alphabetical order of the areas and in the order of their files."""
    modules = [
        importlib.import_module(f"tests.defects.areas.{path.stem}")
        for path in sorted(AREAS.glob("*.py"))
        if path.stem != "__init__"
    ]
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Defect))


def named(scenario: str, selectors: Iterable[str]) -> bool:
    """Whether one of the areas, scenarios or patterns means this scenario."""
    spellings = (scenario, scenario.partition("[")[0], scenario.partition("/")[0])
    return any(fits(selector, spelling) for selector in selectors for spelling in spellings)


def run_catalogue(
    defect: Defect | None,
    *selectors: str,
    patient: bool = False,
    mute: bool = False,
    time_limit: float = TIME_LIMIT,
) -> dict[str, str]:
    """Run the catalogue with the defect in a process of its own; the failed scenarios come back, id -> report text.

    Waits are short, since what a defect loses never comes; `patient` leaves them as users have them. With `mute` nobody
    can tell the server's users to write, so that it is judged by the NOTIFYs that it owes. Without selectors everything
    runs. What does not run counts as failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "statement.json"
        name = defect.id if defect else "none"
        manner = "patient" if patient else "mute" if mute else "hasty"
        command = [sys.executable, "-m", "tests.defects.broken", name, manner]
        result = subprocess.run(
            [*command, "run", "--statement", str(file), *selectors],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            timeout=time_limit,
            check=False,
        )
        written = file.read_text(encoding="utf-8") if file.exists() else ""
    if not written:
        raise AssertionError(f"The catalogue did not run:\n{result.stdout}{result.stderr}")
    texts = {text.partition("  (")[0]: text for text in ("\n" + result.stdout).split("\nFAILED ")[1:]}
    findings = json.loads(written)["scenarios"]
    failed = {one: found for one, found in findings.items() if found["verdict"] != "passed"}
    return {one: texts.get(one, f"{found['verdict']}: {found['reason']}") for one, found in failed.items()}
