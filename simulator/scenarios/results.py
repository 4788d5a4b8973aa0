"""What came out of a run, how it is summed up, and the exit code that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from simulator.scenarios.selection import Scenario


class Outcome(Enum):
    """How a scenario ended; the value is what tables say."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


class ExitCode(IntEnum):
    """What `sipfed run` tells its caller."""

    PASSED = 0
    "Everything that was selected ran and passed."
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
class Result:
    """One scenario's outcome, filled while it runs."""

    scenario: Scenario
    "Which one."
    outcome: Outcome = Outcome.NOT_RUN
    "How it ended, or stands."
    reason: str = NEVER_STARTED
    "One sentence of why it failed or did not run."
    seconds: float = 0.0
    "Time in set-up, test and tear-down."
    details: list[str] = field(default_factory=list)
    "Evidence, captured output and traceback of a failure, ready to print."
    finished: bool = False
    "Nothing more is to come."


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
            outcomes.count(Outcome.FAILED),
            outcomes.count(Outcome.NOT_RUN),
            sum(result.seconds for result in results),
        )

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.not_run

    def __str__(self) -> str:
        counts = ((self.passed, "passed"), (self.failed, "failed"), (self.not_run, "not run"))
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

    @property
    def exit_code(self) -> ExitCode:
        """0 only when all that was selected ran and passed."""
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

    def closing_sentence(self) -> str:
        """How it went, in one sentence."""
        tally = Tally.of(self.results)
        scenarios = "1 scenario" if tally.total == 1 else f"{tally.total} scenarios"
        if self.exit_code is ExitCode.PASSED:
            return f"{scenarios} passed in {self.seconds:.1f} s."
        parts = [f"of {scenarios} {tally}"] if tally.total else []
        parts += [f"{fault.title} could not be run" for fault in self.faults]
        how = "Interrupted" if self.interrupted else "Finished"
        return f"{how} after {self.seconds:.1f} s: {'; '.join(parts)}."
