"""`sipfed run` and `sipfed list`: the catalogue of scenarios."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.group import main
from simulator.cli.selecting import Selection, print_scenarios, scenarios_as_text, selection_options
from simulator.cli.sut import Target, target_options
from simulator.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from simulator.scenarios.results import Run
    from simulator.scenarios.selection import Catalogue


def _whole_or_auto(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and value != "auto" and not (value.isascii() and value.isdigit() and int(value) > 0):
        raise click.BadParameter(f"{value!r} is neither a whole number above zero nor 'auto'.")
    return value


_OUTPUT = click.Path(dir_okay=False, path_type=Path)


@main.command(short_help="Run the scenarios of the catalogue.")
@selection_options
@target_options
@click.option(
    "--known",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Failures that are known, a TOML file of your own; they run, and must fail as it says.",
)
@click.option("--strict-capabilities", is_flag=True, help="What the server lacks a capability for, fails.")
@click.option("--dry-run", is_flag=True, help="Only say what would run.")
@click.option("--repeat", type=click.IntRange(min=1), default=1, metavar="N", help="Run everything N times.")
@click.option("--random-order", is_flag=True, help="Shuffle; the seed is printed.")
@click.option("--seed", metavar="SEED", help="Shuffle as this seed did.")
@click.option(
    "-n", "--parallel", callback=_whole_or_auto, metavar="N", help="Run in N processes; 'auto' is one per core."
)
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first failure.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each scenario.")
@click.option("--junit", type=_OUTPUT, help="Also write a JUnit file.")
@click.option("--html", type=_OUTPUT, help="Also write a report for browsers, one file.")
@click.option("--statement", type=_OUTPUT, help="Also write the verdicts as JSON, for `sipfed compare`.")
@click.pass_context
def run(
    context: click.Context,
    selection: Selection,
    target: Target,
    known: Path | None,
    strict_capabilities: bool,
    dry_run: bool,
    repeat: int,
    random_order: bool,
    seed: str | None,
    parallel: str | None,
    fail_fast: bool,
    verbose: bool,
    junit: Path | None,
    html: Path | None,
    statement: Path | None,
) -> None:
    """Run scenarios of the catalogue; without a SELECTOR, all of them.

    A SELECTOR is an area (trust), a scenario (trust/wildcard) or a pattern of them ('*/wildcard*').

    The exit code is 0 when all of them ran and passed (or failed as --known says), 1 when one failed, 2 when the
    command itself is wrong, and 3 when nothing failed but something did not run.
    """
    whole = selection.whole()
    chosen = selection.of(whole)
    if random_order and seed is None:
        from simulator.scenarios.order import new_seed

        seed = new_seed()
    options = ["--tb=short", *_parallel(parallel), *_known(known, whole), f"--sipfed-repeat={repeat}"]
    options += target.arguments(parallel=parallel is not None)
    options += ["--exitfirst"] if fail_fast else []
    options += ["--sipfed-strict-capabilities"] if strict_capabilities else []
    options += [f"--sipfed-random-order={seed}"] if seed is not None else []
    if dry_run:
        print_scenarios(chosen.scenarios)
        click.echo(_plan(len(chosen.scenarios), repeat, seed))
        return
    named = {"--junit": junit, "--html": html, "--statement": statement}
    files = {option: _writable(option, path) for option, path in named.items() if path is not None}
    options += [f"--junitxml={files['--junit']}"] if junit is not None else []
    result = _run(chosen, options, verbose=verbose, repeat=repeat, seed=seed)
    if html is not None:
        from simulator.scenarios.html import html_page

        _write(files["--html"], html_page(result))
    if statement is not None:
        from simulator.scenarios.statement import statement_of

        document = statement_of(result, whole, profile=target.profile, seed=seed, repeat=repeat)
        _write(files["--statement"], document.as_json())
    context.exit(result.exit_code)


def _run(chosen: Catalogue, options: list[str], *, verbose: bool, repeat: int, seed: str | None) -> Run:
    """Run what is chosen and report it on the standard output."""
    from simulator.scenarios.reporter import ScenarioReporter, display_for, write_report
    from simulator.scenarios.runner import run_pytest

    display = display_for(sys.stdout, len(chosen.scenarios))
    if seed is not None:
        display.line(f"Random order; --seed {seed} repeats it.")
    reporter = ScenarioReporter(chosen, display, verbose=verbose, rounds=repeat)
    try:
        if chosen.arguments:  # without any, pytest would look for tests by itself
            run_pytest(chosen.folder, [*options, *chosen.arguments], reporter)
    finally:
        display.close()
    result = reporter.run()
    write_report(result, display)
    return result


@main.command("list", short_help="Show the scenarios, or the coverage of the requirements.")
@selection_options
@click.option(
    "--coverage", is_flag=True, help="Show what shows each requirement; exit code 1 when something is missing."
)
@click.option("--json", "form", flag_value="json", help="For programs.")
@click.option("--markdown", "form", flag_value="markdown", help="As a page.")
@click.option("-o", "--output", type=_OUTPUT, help="Write it to a file.")
@click.pass_context
def list_scenarios(
    context: click.Context, selection: Selection, coverage: bool, form: str | None, output: Path | None
) -> None:
    """Show the scenarios of the catalogue, or with --coverage the requirements and what shows them."""
    catalogue = selection.of(selection.whole())
    if output is not None:
        output = _writable("--output", output)
    complete = True
    if coverage:
        from simulator.scenarios import coverage as covering

        covered = covering.coverage(catalogue.scenarios)
        missing = [one.id for one in covered if not one.shown]
        complete = not missing
        _show(covering.as_text(covered, form), output)
        if missing:
            click.echo(f"sipfed: nothing shows {', '.join(missing)}.", err=True)
    elif form is None and output is None:
        print_scenarios(catalogue.scenarios)
    else:
        _show(scenarios_as_text(catalogue.scenarios, form), output)
    for module in catalogue.broken:
        click.echo(f"sipfed: {module.path} could not be read:\n{module.reason}", err=True)
    if catalogue.broken or not complete:
        context.exit(1)


def _show(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


@main.command(short_help="Say what got better or worse between two runs.")
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def compare(context: click.Context, old: Path, new: Path, as_json: bool) -> None:
    """Say what got better or worse between two statements, which `sipfed run --statement` writes.

    The exit code is 1 when a scenario got worse.
    """
    from simulator.scenarios.statement import compare as compared
    from simulator.scenarios.statement import read_statement
    from simulator.scenarios.text import printable

    comparison = compared(read_statement(old), read_statement(new))
    if as_json:
        click.echo(json.dumps(comparison.as_json(), indent=2))
    else:
        for name, changes in comparison.sections():
            for change in changes:
                click.echo(printable(f"{name:8}  {change}"))
        counts = ", ".join(f"{len(changes)} {name}" for name, changes in comparison.sections())
        click.echo(f"{counts}.")
    context.exit(1 if comparison.worse else 0)


def _plan(scenarios: int, repeat: int, seed: str | None) -> str:
    what = "1 scenario" if scenarios == 1 else f"{scenarios} scenarios"
    often = f", {repeat} times" if repeat > 1 else ""
    order = f", in random order with the seed {seed}" if seed is not None else ""
    return f"{what} would run{often}{order}."


def _parallel(processes: str | None) -> list[str]:
    if processes is None:
        return []
    if importlib.util.find_spec("xdist") is None:
        message = "pytest-xdist is not installed; `pip install pytest-xdist` adds it."
        raise ConfigurationError([Problem("--parallel", message)])
    return ["-p", "xdist", "-n", processes]


def _known(path: Path | None, whole: Catalogue) -> list[str]:
    if path is None:
        return []
    from simulator.scenarios.known import check_known, read_known

    check_known(read_known(path), [scenario.id for scenario in whole.scenarios])
    return [f"--sipfed-known={path.absolute()}"]


def _writable(option: str, path: Path) -> Path:
    path = path.absolute()
    try:  # now, not after a long run
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise ConfigurationError([Problem(option, f"{path} cannot be written: {error.strerror}.")]) from None
    return path
