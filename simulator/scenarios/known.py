"""Known failures: a file that the owner of a server under test keeps, and how the entries change verdicts.

A scenario listed as failing still runs. It must fail, and say what the entry says; anything else is an error, so an
entry cannot hide another fault, nor stay when its own is mended. A scenario listed as flaky may also pass.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, PlainValidator

from simulator.errors import ConfigurationError, Problem
from simulator.scenarios.reports import KNOWN_FAILURE, reason_of
from simulator.scenarios.selection import Scenario, fits
from simulator.toml import tables, values


def _filled(value: object) -> str:
    text = values.text(value)
    if not text.strip():
        raise ValueError("It is empty; say it in a few words.")
    return text


class _Entry(tables.Table):
    scenario: Annotated[str, PlainValidator(_filled)]
    says: Annotated[str, PlainValidator(_filled)]
    because: Annotated[str, PlainValidator(_filled)]


class _File(tables.Table):
    failing: list[_Entry] = Field(default_factory=list)
    flaky: list[_Entry] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """One entry of the file."""

    scenario: str
    "The id of a scenario, or a pattern with `*` and `?`."
    says: str
    "What the failure's sentence must contain; `*` stands for any text, such as names that differ in every run."
    because: str
    "Why it fails, in the owner's words: a ticket, a decision."
    flaky: bool
    "It may also pass."
    place: str
    "Where the entry stands, for messages."

    def names(self, identifier: str) -> bool:
        """Whether the entry is about this scenario."""
        return fits(self.scenario, identifier)

    def explains(self, sentence: str) -> bool:
        """Whether this is the failure that is known."""
        return fnmatchcase(sentence, "*" + self.says.replace("[", "[[]") + "*")


def read_known(path: Path) -> tuple[Known, ...]:
    """The entries of a TOML file with `[[failing]]` and `[[flaky]]`; ConfigurationError with every mistake in it."""
    file = tables.read(path, _File)
    return tuple(
        Known(entry.scenario, entry.says, entry.because, kind == "flaky", f"{path.name}: {kind}[{index}]")
        for kind, entries in (("failing", file.failing), ("flaky", file.flaky))
        for index, entry in enumerate(entries)
    )


def check_known(entries: Iterable[Known], identifiers: Iterable[str]) -> None:
    """Raise ConfigurationError for every entry that names no scenario at all: it would be believed to work."""
    identifiers = list(identifiers)
    problems = [
        Problem(entry.place, f"There is no scenario {entry.scenario!r}; `sipfed list` shows all of them.")
        for entry in entries
        if not any(entry.names(one) for one in identifiers)
    ]
    if problems:
        raise ConfigurationError(problems)


class KnownFailures:
    """A pytest plugin: listed failures are reported as expected ones, and unlisted passes of them as failures."""

    def __init__(self, entries: Iterable[Known]) -> None:
        self._entries = tuple(entries)
        self._passed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        identifier = Scenario.id_of(item)
        entries = [entry for entry in self._entries if entry.names(identifier)]
        if not entries:
            return report
        if report.failed:
            self._judge(report, entries)
        elif report.passed and call.when == "call":
            self._passed.add(item.nodeid)
        elif report.passed and call.when == "teardown" and item.nodeid in self._passed:
            self._complain(report, entries)
        if call.when == "teardown":
            self._passed.discard(item.nodeid)
        return report

    def _judge(self, report: pytest.TestReport, entries: list[Known]) -> None:
        sentence = reason_of(report)
        for entry in entries:
            if entry.explains(sentence):
                report.outcome = "skipped"
                report.wasxfail = entry.because
                report.user_properties.append((KNOWN_FAILURE, entry.because))
                return
        listed = "\n".join(f"{entry.place} expects it to say {entry.says!r}." for entry in entries)
        report.sections.append(("sipfed known failures", f"This is not the failure that is known:\n{listed}"))

    def _complain(self, report: pytest.TestReport, entries: list[Known]) -> None:
        strict = [entry for entry in entries if not entry.flaky]
        if strict and len(strict) == len(entries):
            entry = strict[0]
            report.outcome = "failed"
            report.longrepr = f"it passes, but {entry.place} lists it as failing ({entry.because}); take the entry out"
