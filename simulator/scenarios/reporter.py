"""The report of `sipfed run`: progress while it runs, then failures with their evidence and a summary by area."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

import pytest

from simulator.pytest_plugin import REQUIREMENT
from simulator.scenarios.results import Fault, Outcome, Result, Run, Tally
from simulator.scenarios.runner import Watcher
from simulator.scenarios.selection import Catalogue
from simulator.scenarios.sources import cited

if TYPE_CHECKING:
    from rich.progress import Progress

STYLES = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.NOT_RUN: "yellow"}


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

    def __init__(self, catalogue: Catalogue, display: Display, *, verbose: bool = False) -> None:
        super().__init__()
        self._display = display
        self._verbose = verbose
        self._started = time.monotonic()
        self._results = {scenario.nodeid: Result(scenario) for scenario in catalogue.scenarios}
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
        if report.failed:
            self._fail(result, _reason(report), _details(report))
        elif report.skipped and hasattr(report, "wasxfail"):
            self._fail(result, f"fails as it is known to: {report.wasxfail}", [])
        elif report.skipped:
            result.reason = _skip_reason(report)
        elif report.when == "call":
            result.outcome, result.reason = Outcome.PASSED, ""
        if report.when not in ("setup", "call"):  # tear-down, or the end of a worker that crashed
            self._finish(result)

    def run(self) -> Run:
        """What came out, after pytest is done."""
        faults = list(self._faults.values())
        if self.crashed is not None:
            faults.append(Fault("pytest", self.crashed))
        seconds = time.monotonic() - self._started
        return Run(tuple(self._results.values()), tuple(faults), self.interrupted, seconds)

    def _fail(self, result: Result, reason: str, details: list[str]) -> None:
        if result.outcome is not Outcome.FAILED:  # the first cause says most; tear-down often fails after it
            result.outcome, result.reason = Outcome.FAILED, reason
        result.details += (detail for detail in details if detail not in result.details)

    def _finish(self, result: Result) -> None:
        if result.finished:
            return
        result.finished = True
        self._display.finished()
        if self._verbose:
            text = f"{result.outcome.value:8} {result.scenario.id}  ({result.seconds:.2f} s)"
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
    _write_not_run([result for result in run.results if result.outcome is Outcome.NOT_RUN], display)
    areas = {area: Tally.of(results) for area, results in run.by_area().items()}
    display.line()
    header, *rows = aligned([("area", "passed", "failed", "not run", "time"), *_table(areas), *_total(run)], "<>>>>")
    display.line(header, "bold")
    for row, tally in zip(rows, [*areas.values(), Tally.of(run.results)], strict=True):
        display.line(row, _style(tally))
    display.line()
    display.line(run.closing_sentence(), STYLES[Outcome.FAILED] if run.exit_code else STYLES[Outcome.PASSED])


def _write_failure(result: Result, display: Display) -> None:
    scenario = result.scenario
    display.line()
    display.line(f"FAILED {scenario.id}  ({', '.join((scenario.level, *scenario.sources))})", STYLES[Outcome.FAILED])
    display.line(f"  Expected: {printable(scenario.sentence)}")
    display.line(f"  But: {printable(result.reason)}")
    for line in cited(scenario.sources):
        display.line(f"  {line}")
    for detail in result.details:
        display.line()
        display.line(_indented(detail))


def _write_not_run(results: Sequence[Result], display: Display) -> None:
    by_reason: dict[str, list[str]] = {}
    for result in results:
        by_reason.setdefault(result.reason, []).append(result.scenario.id)
    for reason, ids in by_reason.items():
        display.line()
        display.line(f"NOT RUN, because {printable(reason)}", STYLES[Outcome.NOT_RUN])
        for one in ids:
            display.line(f"  {one}")


def _table(areas: dict[str, Tally]) -> list[tuple[str, ...]]:
    return [_row(area, tally) for area, tally in areas.items()]


def _total(run: Run) -> list[tuple[str, ...]]:
    return [_row("total", Tally.of(run.results))]


def _row(title: str, tally: Tally) -> tuple[str, ...]:
    return title, str(tally.passed), str(tally.failed), str(tally.not_run), f"{tally.seconds:.2f} s"


def _style(tally: Tally) -> str:
    if tally.failed:
        return STYLES[Outcome.FAILED]
    return STYLES[Outcome.NOT_RUN] if tally.not_run else STYLES[Outcome.PASSED]


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash is not None else str(report.longrepr)).strip().splitlines()
    first = lines[0] if lines else "no reason was given"
    name, colon, sentence = first.partition(": ")
    # Errors of ours are sentences; their class says nothing to somebody who tests a server.
    reason = sentence if colon and name.startswith("simulator.") else first
    return f"{reason} (in {report.when})" if report.when in ("setup", "teardown") else reason


def _details(report: pytest.TestReport) -> list[str]:
    # The requirement stands above already, as the scenario's sentence.
    sections = [(title, text.rstrip()) for title, text in report.sections if title != REQUIREMENT]
    evidence = [f"{title}:\n{text}" for title, text in sections if text]
    return [*evidence, f"traceback:\n{report.longreprtext.rstrip()}"]


def _skip_reason(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return reason.removeprefix("Skipped: ") or "no reason was given"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in printable(text).splitlines())


def printable(text: str) -> str:
    """Escape control characters, so that what a peer sent cannot drive the reader's terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def aligned(rows: Iterable[Sequence[str]], alignments: str) -> list[str]:
    """Lay rows out in columns, two spaces apart; `alignments` has `<` or `>` for each column."""
    rows = list(rows)
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(len(alignments))]
    cells = [[f"{cell:{way}{width}}" for cell, way, width in zip(row, alignments, widths, strict=True)] for row in rows]
    return ["  ".join(row).rstrip() for row in cells]
