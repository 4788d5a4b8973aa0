"""Shows an examination while it goes on: plain lines, a table for a terminal, or JSON (F6.3)."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

import click

from simulator.doctor.report import as_json, closing, duration, lines_of, shown, verdict
from simulator.doctor.steps import Report, Result, Step

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

STYLES: Final = {
    Result.OK: "green",
    Result.NOT_CHECKED: "dim",
    Result.WARNING: "yellow",
    Result.FAILED: "bold red",
}


class Display:
    """Plain lines, each step as soon as it is there."""

    def __init__(self) -> None:
        self._where = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def add(self, step: Step) -> None:
        """A step has ended."""
        if step.where != self._where:
            self._where = step.where
            click.echo(f"\n{shown(step.where)}")
        for line in lines_of(step):
            click.echo(line)

    def finish(self, report: Report) -> None:
        """The examination has ended."""
        for line in closing(report):
            click.echo(line)


class JsonDisplay(Display):
    """The report at the end, for programs."""

    def add(self, step: Step) -> None:
        """Nothing: half a document helps nobody."""

    def finish(self, report: Report) -> None:
        click.echo(as_json(report))


class TableDisplay(Display):
    """What was done last while it goes on, the table at the end."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        super().__init__()
        self._console: Console = Console(file=stream)
        self._status: Status = self._console.status("Asking the DNS")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def add(self, step: Step) -> None:
        from rich.text import Text

        self._status.update(Text(f"{step.title}: {step.result.value}"))

    def finish(self, report: Report) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("result", "step", "time", "what was seen"):
            table.add_column(heading, no_wrap=heading != "what was seen", overflow="fold")
        where = ""
        for step in report.steps:
            if step.where != where:
                where = step.where
                table.add_row("", "", "", Text(shown(where), style="bold"))
            seen = Text("\n".join(map(shown, step.seen)))
            if step.change:
                seen.append(f"\nTo change: {shown(step.change)}", style="bold")
            table.add_row(Text(step.result.value, style=STYLES[step.result]), step.title, duration(step), seen)
        self._console.print(table)
        self._console.print()
        for note in report.notes:
            self._console.print(Text(shown(note), style="dim"))
        style = STYLES[Result.FAILED if report.verdict == "bad" else Result.OK]
        self._console.print(Text(shown(verdict(report)), style=style))


def display_for(stream: TextIO, *, as_json: bool) -> Display:
    """JSON where it is asked for, a table on a terminal, plain lines elsewhere."""
    if as_json:
        return JsonDisplay()
    return TableDisplay(stream) if stream.isatty() else Display()
