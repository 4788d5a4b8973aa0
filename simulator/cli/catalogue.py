"""`sipfed run` and `sipfed list`: the catalogue of scenarios."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.group import main
from simulator.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from simulator.scenarios.selection import Catalogue, Scenario


def _whole_or_auto(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and value != "auto" and not (value.isascii() and value.isdigit() and int(value) > 0):
        raise click.BadParameter(f"{value!r} is neither a whole number above zero nor 'auto'.")
    return value


_selectors = click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")
_catalogue = click.option(
    "--catalogue",
    "folder",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    hidden=True,  # for the tests of this command
)


@main.command()
@_selectors
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Also write a JUnit file.")
@click.option(
    "-n", "--parallel", callback=_whole_or_auto, metavar="N", help="Run in N processes; 'auto' is one per core."
)
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first failure.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each scenario.")
@_catalogue
@click.pass_context
def run(
    context: click.Context,
    selectors: tuple[str, ...],
    junit: Path | None,
    parallel: str | None,
    fail_fast: bool,
    verbose: bool,
    folder: Path | None,
) -> None:
    """Run scenarios of the catalogue; without a SELECTOR, all of them.

    A SELECTOR is an area (trust), a scenario (trust/wildcard) or a pattern of them ('*/wildcard*').

    The exit code is 0 when all of them ran and passed, 1 when one failed, 2 when the command itself is wrong, and 3
    when nothing failed but something did not run.
    """
    options = _parallel(parallel) + _junit(junit) + ["--tb=short"]
    if fail_fast:
        options.append("--exitfirst")
    catalogue = _load(folder, selectors)

    from simulator.scenarios.reporter import ScenarioReporter, display_for, write_report
    from simulator.scenarios.runner import run_pytest

    display = display_for(sys.stdout, len(catalogue.scenarios))
    reporter = ScenarioReporter(catalogue, display, verbose=verbose)
    try:
        if catalogue.arguments:  # without any, pytest would look for tests by itself
            run_pytest(catalogue.folder, [*options, *catalogue.arguments], reporter)
    finally:
        display.close()
    result = reporter.run()
    write_report(result, display)
    context.exit(result.exit_code)


@main.command("list")
@_selectors
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_catalogue
@click.pass_context
def list_scenarios(context: click.Context, selectors: tuple[str, ...], as_json: bool, folder: Path | None) -> None:
    """Show the scenarios of the catalogue."""
    catalogue = _load(folder, selectors)
    if as_json:
        click.echo(json.dumps([scenario.as_json() for scenario in catalogue.scenarios], indent=2))
    elif sys.stdout.isatty():
        _print_table(catalogue.scenarios)
    else:
        _print_lines(catalogue.scenarios)
    for module in catalogue.broken:
        click.echo(f"sipfed: {module.path} could not be read:\n{module.reason}", err=True)
    if catalogue.broken:
        context.exit(1)


def _load(folder: Path | None, selectors: tuple[str, ...]) -> Catalogue:
    from simulator.scenarios.runner import CATALOGUE
    from simulator.scenarios.selection import collect

    return collect(folder or CATALOGUE).select(selectors)


def _parallel(processes: str | None) -> list[str]:
    if processes is None:
        return []
    if importlib.util.find_spec("xdist") is None:
        message = "pytest-xdist is not installed; `pip install pytest-xdist` adds it."
        raise ConfigurationError([Problem("--parallel", message)])
    return ["-p", "xdist", "-n", processes]


def _junit(path: Path | None) -> list[str]:
    if path is None:
        return []
    path = path.absolute()
    try:  # now, not after a long run
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise ConfigurationError([Problem("--junit", f"{path} cannot be written: {error.strerror}.")]) from None
    return [f"--junitxml={path}"]


def _print_table(scenarios: tuple[Scenario, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("scenario", "level", "sources", "what it shows", box=None, padding=(0, 2, 0, 0))
    for one in scenarios:
        table.add_row(*(Text(cell) for cell in (one.id, one.level, ", ".join(one.sources), one.sentence)))
    Console().print(table)


def _print_lines(scenarios: tuple[Scenario, ...]) -> None:
    from simulator.scenarios.reporter import aligned

    for line in aligned([(one.id, one.level, ", ".join(one.sources), one.sentence) for one in scenarios], "<<<<"):
        click.echo(line)
