"""What came out of a run, how it is summed up, and the exit code that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from simulator.scenarios.grades import Grade, Graded, worst
from simulator.scenarios.selection import Scenario


class Outcome(Enum):
    """How a scenario ended; the value is what tables say."""

    PASSED = "passed"
    KNOWN = "known"
    "It fails as the owner of the server has listed it."
    NOT_RUN = "not run"
    FAILED = "failed"


_BY_WEIGHT = tuple(Outcome)


class ExitCode(IntEnum):
    """What `sipfed run` tells its caller."""

    PASSED = 0
    "Everything that was selected ran and passed, or failed as it is listed to."
    FAILED = 1
    "Something failed, or could not be collected."
    USAGE = 2
    "The request itself is wrong: an unknown selector, a settings file with mistakes."
    NOT_RUN = 3
    "Nothing failed, but something did not run."
    INTERRUPTED = 130
    "Somebody pressed Ctrl-C."


NEVER_STARTED = "the run ended before its turn"


@dataclass(slots=True)
class Attempt:
    """One execution of a scenario, filled while it runs."""

    outcome: Outcome = Outcome.NOT_RUN
    "How it ended, or stands."
    reason: str = NEVER_STARTED
    "One sentence of why it failed or did not run."
    details: list[str] = field(default_factory=list)
    "Evidence, captured output and traceback of a failure, ready to print."
    happened: list[Graded] = field(default_factory=list)
    "The graded outcomes that it said had happened."
    slow: bool = False
    "Whether time really passed, since no clock could be set."

    def fail(self, reason: str, details: Sequence[str]) -> None:
        """It failed; the first cause says most, and tear-down often fails after it."""
        if self.outcome is not Outcome.FAILED:
            self.outcome, self.reason = Outcome.FAILED, reason
        self.details += (detail for detail in details if detail not in self.details)


@dataclass(slots=True)
class Result:
    """One scenario's outcome over all of its executions, filled while it runs."""

    scenario: Scenario
    "Which one."
    planned: int = 1
    "How often it is to run."
    runs: int = 0
    "How often it has run."
    failures: int = 0
    "How many of these runs failed."
    outcome: Outcome = Outcome.NOT_RUN
    "How it ended: the worst of its runs."
    reason: str = NEVER_STARTED
    "One sentence of why it failed, is known to, or did not run."
    seconds: float = 0.0
    "Time in set-up, test and tear-down."
    details: list[str] = field(default_factory=list)
    "Evidence, captured output and traceback of the first failure, ready to print."
    happened: list[Graded] = field(default_factory=list)
    "The graded outcomes that it said had happened, each once."
    slow: bool = False
    "Whether it belongs to the slow tier: time really passed, since no clock could be set."

    @property
    def finished(self) -> bool:
        """Nothing more is to come."""
        return self.runs >= self.planned

    @property
    def grade(self) -> Grade | None:
        """The worst grade of what happened; None when there is no verdict."""
        if self.outcome is Outcome.NOT_RUN:
            return None
        return "not ok" if self.outcome is not Outcome.PASSED else worst([one.grade for one in self.happened])

    @property
    def tolerable(self) -> bool:
        """It passed, and less well than it should."""
        return self.outcome is Outcome.PASSED and self.grade == "tolerable"

    def add(self, attempt: Attempt) -> None:
        """Take up one more execution."""
        self.runs += 1
        self.failures += attempt.outcome is Outcome.FAILED
        self.slow |= attempt.slow
        self.happened += (one for one in attempt.happened if one not in self.happened)
        if self.runs == 1 or _BY_WEIGHT.index(attempt.outcome) > _BY_WEIGHT.index(self.outcome):
            which = f"in run {self.runs} of {self.planned}: " if self.planned > 1 and attempt.reason else ""
            self.outcome, self.reason = attempt.outcome, which + attempt.reason
            self.details = attempt.details

    def close(self) -> None:
        """Nothing more comes: what has not run as often as it should has no verdict, unless it has failed."""
        if 0 < self.runs < self.planned and self.outcome is not Outcome.FAILED:
            self.outcome, self.reason = Outcome.NOT_RUN, f"the run ended after {self.runs} of its {self.planned} turns"


@dataclass(slots=True)
class Fault:
    """Something that is wrong with the run itself and not with one scenario."""

    title: str
    "What it is about: a module that could not be collected, pytest itself."
    text: str
    "The traceback or message."


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over some results."""

    passed: int
    "How many passed."
    tolerable: int
    "How many of these with an outcome that is only tolerable."
    known: int
    "How many failed as they are listed to."
    failed: int
    "How many failed."
    not_run: int
    "How many did not run, or not to their end."
    seconds: float
    "Their time, added up; more than the wall time of a parallel run."

    @classmethod
    def of(cls, results: Sequence[Result]) -> Tally:
        """Count these."""
        outcomes = [result.outcome for result in results]
        return cls(
            outcomes.count(Outcome.PASSED),
            sum(result.tolerable for result in results),
            outcomes.count(Outcome.KNOWN),
            outcomes.count(Outcome.FAILED),
            outcomes.count(Outcome.NOT_RUN),
            sum(result.seconds for result in results),
        )

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.known + self.failed + self.not_run

    def __str__(self) -> str:
        passed = "passed" + (f" ({self.tolerable} tolerably)" if self.tolerable else "")
        counts = (
            (self.passed, passed),
            (self.failed, "failed"),
            (self.known, "failed as known"),
            (self.not_run, "not run"),
        )
        return ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing to run"


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run, after its end."""

    results: tuple[Result, ...]
    "One for each selected scenario, in the catalogue's order."
    faults: tuple[Fault, ...]
    "What went wrong beside the scenarios."
    interrupted: bool
    "Somebody pressed Ctrl-C."
    seconds: float
    "Wall time."
    server: str | None = None
    "Name and version of the server under test; None when no scenario came as far as it."

    @property
    def exit_code(self) -> ExitCode:
        """0 only when all that was selected ran, and passed or failed as it is listed to."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        tally = Tally.of(self.results)
        if tally.failed or self.faults:
            return ExitCode.FAILED
        return ExitCode.NOT_RUN if tally.not_run or not tally.total else ExitCode.PASSED

    def by_area(self) -> dict[str, list[Result]]:
        """The results of each area, in the catalogue's order."""
        areas: dict[str, list[Result]] = {}
        for result in self.results:
            areas.setdefault(result.scenario.area, []).append(result)
        return areas

    @property
    def slow(self) -> list[Result]:
        """The results of the slow tier."""
        return [result for result in self.results if result.slow]

    def closing_sentence(self) -> str:
        """How it went, in one sentence."""
        tally = Tally.of(self.results)
        scenarios = "1 scenario" if tally.total == 1 else f"{tally.total} scenarios"
        often = max((result.planned for result in self.results), default=1)
        times = f" {often} times" if often > 1 else ""
        if self.exit_code is ExitCode.PASSED and not tally.known:
            tolerably = f", {tally.tolerable} of them tolerably," if tally.tolerable else ""
            return f"{scenarios} passed{times}{tolerably} in {self.seconds:.1f} s."
        parts = [f"of {scenarios}{times and f', each{times},'} {tally}"] if tally.total else []
        parts += [f"{fault.title} could not be run" for fault in self.faults]
        how = "Interrupted" if self.interrupted else "Finished"
        return f"{how} after {self.seconds:.1f} s: {'; '.join(parts)}."
