"""What `sipfed run` and `sipfed list` share: which scenarios are meant, and how they are printed."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from simulator.scenarios.selection import Catalogue, Scenario

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Selection:
    """Which scenarios of which catalogue."""

    folder: Path | None
    "Another catalogue than the shipped one."
    selectors: tuple[str, ...]
    "Areas, scenarios and patterns; none means all."
    levels: tuple[str, ...]
    "Of these levels only; none means all."
    personas: tuple[str, ...]
    "Likewise."
    sources: tuple[str, ...]
    "Likewise."

    def whole(self) -> Catalogue:
        """Collect the catalogue; ConfigurationError when it has a mistake."""
        from simulator.scenarios.runner import CATALOGUE
        from simulator.scenarios.selection import collect

        return collect(self.folder or CATALOGUE)

    def of(self, catalogue: Catalogue) -> Catalogue:
        """What is meant of it; ConfigurationError when a word means nothing."""
        chosen = catalogue.select(self.selectors)
        return chosen.narrow(levels=self.levels, personas=self.personas, sources=self.sources)


def selection_options(command: _Command) -> _Command:
    """Add the arguments and options of a `Selection`; the command gets them as one argument, `selection`."""

    @functools.wraps(command)  # with the options that the command has of its own
    def gathered(
        *,
        folder: Path | None,
        selectors: tuple[str, ...],
        level: tuple[str, ...],
        persona: tuple[str, ...],
        source: tuple[str, ...],
        **others: Any,
    ) -> Any:
        return command(selection=Selection(folder, selectors, level, persona, source), **others)

    options = [
        click.argument("selectors", nargs=-1, metavar="[SELECTOR]..."),
        click.option(
            "--level", multiple=True, type=click.Choice(("must", "should", "info")), help="Only scenarios this binding."
        ),
        click.option(
            "--persona", multiple=True, metavar="NAME", help="Only scenarios about this persona, as in teams."
        ),
        click.option(
            "--source", multiple=True, metavar="ID", help="Only scenarios that rest on this source, as in R57."
        ),
        click.option(
            "--catalogue",
            "folder",
            type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
            hidden=True,  # for the tests of these commands
        ),
    ]
    decorated: Any = gathered
    for option in reversed(options):
        decorated = option(decorated)
    result: _Command = decorated
    return result


def print_scenarios(scenarios: tuple[Scenario, ...]) -> None:
    """A table where somebody looks, lines where not."""
    if sys.stdout.isatty():
        _print_table(scenarios)
    else:
        click.echo(scenarios_as_text(scenarios), nl=False)


def _print_table(scenarios: tuple[Scenario, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("scenario", "level", "sources", "what it shows", box=None, padding=(0, 2, 0, 0))
    for one in scenarios:
        table.add_row(*(Text(cell) for cell in (one.id, one.level, ", ".join(one.sources), one.sentence)))
    Console().print(table)


def scenarios_as_text(scenarios: tuple[Scenario, ...], form: str | None = None) -> str:
    """As `json`, as a page in `markdown`, or a line for each."""
    if form == "json":
        return json.dumps([scenario.as_json() for scenario in scenarios], indent=2) + "\n"
    if form == "markdown":
        from simulator.scenarios.page import catalogue_page

        return catalogue_page(scenarios)
    from simulator.scenarios.text import aligned

    rows = [(one.id, one.level, ", ".join(one.sources), one.sentence) for one in scenarios]
    return "".join(f"{line}\n" for line in aligned(rows, "<<<<"))
