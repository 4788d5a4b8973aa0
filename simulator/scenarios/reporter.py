"""The report of `sipfed run`: progress while it runs, then failures with their evidence and a summary by area."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

import pytest

from simulator.pytest_plugin import SERVER, TIER
from simulator.scenarios.grades import Graded
from simulator.scenarios.reports import KNOWN_FAILURE, details_of, happened_in, property_of, reason_of, skip_reason_of
from simulator.scenarios.results import Attempt, Fault, Outcome, Result, Run, Tally
from simulator.scenarios.runner import Watcher
from simulator.scenarios.selection import Catalogue
from simulator.scenarios.sources import cited
from simulator.scenarios.text import aligned, printable

if TYPE_CHECKING:
    from rich.progress import Progress

STYLES = {
    Outcome.PASSED: "green",
    Outcome.KNOWN: "yellow",
    Outcome.NOT_RUN: "yellow",
    Outcome.FAILED: "bold red",
}


class Display(Protocol):
    """Where the report goes."""

    def line(self, text: str = "", style: str = "") -> None:
        """Write one or more lines that stay."""

    def started(self, title: str) -> None:
        """Say what runs now, where that can be shown."""

    def finished(self) -> None:
        """One more scenario is done."""

    def close(self) -> None:
        """No scenario runs any more."""


class PlainDisplay:
    """Lines only: for files, pipes and CI logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, text: str = "", style: str = "") -> None:  # noqa: ARG002 - plain text has no styles
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def started(self, title: str) -> None:
        """A line that cannot be overwritten would be noise."""

    def finished(self) -> None:
        """Likewise."""

    def close(self) -> None:
        """Nothing is open."""


class LiveDisplay:
    """A progress bar under the lines: for terminals."""

    def __init__(self, stream: TextIO, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.text import Text

        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        console = Console(file=stream, highlight=False)
        # A refreshing thread would write while pytest captures the output of a test, and end up in it. For the same
        # reason rich may not take the streams over.
        self._progress: Progress = Progress(
            *columns,
            console=console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=total)
        self._progress.start()
        self._text = Text

    def line(self, text: str = "", style: str = "") -> None:
        # As a Text of its own style: a style given to print() would colour the bar below it as well.
        self._progress.console.print(self._text(text, style=style), soft_wrap=True)

    def started(self, title: str) -> None:
        self._progress.update(self._task, description=title.replace("[", "\\["), refresh=True)

    def finished(self) -> None:
        self._progress.update(self._task, advance=1, refresh=True)

    def close(self) -> None:
        self._progress.stop()


def display_for(stream: TextIO, total: int) -> Display:
    """A progress bar where somebody looks, lines where not."""
    return LiveDisplay(stream, total) if stream.isatty() else PlainDisplay(stream)


class ScenarioReporter(Watcher):
    """A pytest plugin that turns pytest's reports into those of the catalogue; with xdist, in its controller."""

    def __init__(self, catalogue: Catalogue, display: Display, *, verbose: bool = False, rounds: int = 1) -> None:
        super().__init__()
        self._display = display
        self._verbose = verbose
        self._started = time.monotonic()
        self._results = {scenario.nodeid: Result(scenario, rounds) for scenario in catalogue.scenarios}
        self._attempts: dict[tuple[str, str], Attempt] = {}
        self._server: str | None = None
        self._faults = {broken.nodeid: Fault(f"area {broken.area}", broken.reason) for broken in catalogue.broken}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._faults.setdefault(report.nodeid, Fault(report.nodeid, report.longreprtext))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if result := self._results.get(nodeid):
            self._display.started(result.scenario.id)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = self._results.get(report.nodeid)
        if result is None:
            if report.failed:
                self._faults[report.nodeid] = Fault(report.nodeid, report.longreprtext)
            return
        result.seconds += report.duration
        # The rounds of one scenario may run in several processes at the same time.
        key = report.nodeid, getattr(report, "worker_id", "")
        attempt = self._attempts.setdefault(key, Attempt())
        self._note(attempt, report)
        if report.when not in ("setup", "call"):  # tear-down, or the end of a worker that crashed
            del self._attempts[key]
            result.add(attempt)
            self._finish(result)

    def _note(self, attempt: Attempt, report: pytest.TestReport) -> None:
        self._server = property_of(report, SERVER) or self._server
        attempt.slow |= property_of(report, TIER) == "slow"
        if report.failed:
            attempt.fail(reason_of(report), details_of(report))
        elif report.skipped and (why := property_of(report, KNOWN_FAILURE)) and attempt.outcome is not Outcome.FAILED:
            attempt.outcome, attempt.reason = Outcome.KNOWN, why
        elif report.skipped and hasattr(report, "wasxfail"):
            attempt.fail(f"fails as it is known to: {report.wasxfail}", [])
        elif report.skipped:
            attempt.reason = skip_reason_of(report)
        elif report.when == "call":
            attempt.outcome, attempt.reason = Outcome.PASSED, ""
        if report.when == "call":
            attempt.happened = happened_in(report)

    def run(self) -> Run:
        """What came out, after pytest is done."""
        for (nodeid, _), attempt in self._attempts.items():
            if attempt.outcome is Outcome.FAILED:  # and it was stopped before its tear-down
                self._results[nodeid].add(attempt)
        for result in self._results.values():
            result.close()
        faults = list(self._faults.values())
        if self.crashed is not None:
            faults.append(Fault("pytest", self.crashed))
        seconds = time.monotonic() - self._started
        return Run(tuple(self._results.values()), tuple(faults), self.interrupted, seconds, self._server)

    def _finish(self, result: Result) -> None:
        if not result.finished:
            return
        self._display.finished()
        if self._verbose:
            tier = ", slow tier" if result.slow else ""
            text = f"{result.outcome.value:8} {result.scenario.id}  ({result.seconds:.2f} s{tier})"
            self._display.line(text, STYLES[result.outcome])
        area = [other for other in self._results.values() if other.scenario.area == result.scenario.area]
        if not self._verbose and all(other.finished for other in area):
            tally = Tally.of(area)
            self._display.line(f"{result.scenario.area:24} {tally}  ({tally.seconds:.2f} s)", _style(tally))


def write_report(run: Run, display: Display) -> None:
    """Write what a user needs after a run: failures, what did not run, the summary, one closing sentence."""
    for result in run.results:
        if result.outcome is Outcome.FAILED:
            _write_failure(result, display)
    for fault in run.faults:
        display.line()
        display.line(f"FAILED {fault.title}", STYLES[Outcome.FAILED])
        display.line(_indented(fault.text))
    _write_tolerable([result for result in run.results if result.tolerable], display)
    _write_reasons("KNOWN TO FAIL", [result for result in run.results if result.outcome is Outcome.KNOWN], display)
    _write_reasons("NOT RUN", [result for result in run.results if result.outcome is Outcome.NOT_RUN], display)
    _write_slow(run.slow, display)
    tallies = {area: Tally.of(results) for area, results in run.by_area().items()}
    _write_table({**tallies, "total": Tally.of(run.results)}, display)
    display.line()
    display.line(run.closing_sentence(), STYLES[Outcome.FAILED] if run.exit_code else STYLES[Outcome.PASSED])


def _write_failure(result: Result, display: Display) -> None:
    scenario = result.scenario
    display.line()
    tier = ("slow tier",) if result.slow else ()
    what = ", ".join((scenario.level, *tier, *scenario.sources))
    display.line(f"FAILED {scenario.id}  ({what})", STYLES[Outcome.FAILED])
    display.line(f"  Expected: {printable(scenario.sentence)}")
    display.line(f"  But: {printable(result.reason)}")
    for line in cited(scenario.sources):
        display.line(f"  {line}")
    if result.planned > 1:
        display.line(f"  Failed in {result.failures} of {result.runs} runs.")
    for detail in result.details:
        display.line()
        display.line(_indented(detail))


def _write_tolerable(results: Sequence[Result], display: Display) -> None:
    for result in results:
        display.line()
        display.line(f"TOLERABLE {result.scenario.id}", STYLES[Outcome.KNOWN])
        for one in result.happened:
            display.line(f"  What happened: {printable(_said(one))}")


def _said(one: Graded) -> str:
    return f"{one.outcome} ({one.grade})" + (f". {one.why}" if one.why else "")


def _write_reasons(title: str, results: Sequence[Result], display: Display) -> None:
    by_reason: dict[str, list[str]] = {}
    for result in results:
        by_reason.setdefault(result.reason, []).append(result.scenario.id)
    for reason, ids in by_reason.items():
        display.line()
        display.line(f"{title}, because {printable(reason)}", STYLES[Outcome.NOT_RUN])
        for one in ids:
            display.line(f"  {one}")


def _write_slow(results: Sequence[Result], display: Display) -> None:
    if results:
        display.line()
        display.line("SLOW TIER, where time really passed because the server's clock cannot be set")
    for result in results:
        display.line(f"  {result.scenario.id}  {result.outcome.value} ({result.seconds:.2f} s)")


def _write_table(tallies: dict[str, Tally], display: Display) -> None:
    """The counts by area; columns that few runs need are there only when they are."""
    columns: list[tuple[str, Callable[[Tally], int]]] = [("passed", lambda tally: tally.passed)]
    if any(tally.tolerable for tally in tallies.values()):
        columns.append(("tolerable", lambda tally: tally.tolerable))
    columns += [("failed", lambda tally: tally.failed)]
    if any(tally.known for tally in tallies.values()):
        columns.append(("known", lambda tally: tally.known))
    columns += [("not run", lambda tally: tally.not_run)]
    head = ("area", *(title for title, _ in columns), "time")
    body = [
        (area, *(str(count(tally)) for _, count in columns), f"{tally.seconds:.2f} s")
        for area, tally in tallies.items()
    ]
    display.line()
    header, *rows = aligned([head, *body], "<" + ">" * (len(head) - 1))
    display.line(header, "bold")
    for row, tally in zip(rows, tallies.values(), strict=True):
        display.line(row, _style(tally))


def _style(tally: Tally) -> str:
    if tally.failed:
        return STYLES[Outcome.FAILED]
    return STYLES[Outcome.NOT_RUN] if tally.not_run or tally.known else STYLES[Outcome.PASSED]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in printable(text).splitlines())
