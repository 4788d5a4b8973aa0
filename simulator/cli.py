"""The command line: a function for each `sipfed` command. What is heavy is imported by the command that needs it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.errors import ConfigurationError, Problem, SipfedError

if TYPE_CHECKING:
    from simulator.scenarios.selection import Catalogue, Scenario


class Commands(click.Group):
    """Commands whose errors are sentences: exit code 2 for what is the user's to mend, 130 for Ctrl-C."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SipfedError as error:
            click.echo(f"sipfed: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("sipfed: interrupted", err=True)
            ctx.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sipfed", prog_name="sipfed")
def main() -> None:
    """Try a SIP server's federation with simulated Skype for Business and Teams partners."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a character shows its code instead of ending the run.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


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


@main.command("connect-server")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The settings file (TOML).",
)
@click.option("--example", is_flag=True, help="Print a settings file that explains every setting.")
def connect_server(config: Path | None, example: bool) -> None:
    """Run the embedded Connect Server alone, until Ctrl-C."""
    if example:
        from simulator.connect_server.settings import EXAMPLE

        click.echo(EXAMPLE, nl=False)
        return
    if config is None:
        raise click.UsageError("Give the settings with --config FILE; --example prints a file to start from.")

    from simulator.connect_server.serve import serve
    from simulator.scenarios.reporter import printable

    serve(config, lambda sentence: click.echo(printable(sentence)))


@main.command()
@click.argument("domain")
@click.option("--dns", metavar="ADDRESS[:PORT]", help="The name server to ask, in place of this machine's.")
@click.option("--host", metavar="FQDN[:PORT]", help="The server of a static route; no SRV record is needed then.")
@click.option("--expect", metavar="FQDN[:PORT]", help="The server that the SRV record should lead to.")
@click.option("--our-side", is_flag=True, help="It is our own: judge it as Skype for Business and Teams would.")
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Our client certificate with its chain (PEM).",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its key, if that is not in the same file.",
)
@click.option(
    "--roots",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The roots to trust (PEM), in place of the public ones.",
)
@click.option("--from", "sender", metavar="DOMAIN", help="Our SIP domain; else taken from our certificate.")
@click.option(
    "--probe",
    type=click.Choice(["s4b", "s4b-route", "plain"]),
    default="s4b",
    show_default=True,
    help="The OPTIONS: as Test-CsFederatedPartner sends it, the same with a Route, or plain RFC 3261.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 600, min_open=True),
    metavar="SECONDS",
    default=8.0,
    show_default=True,
    help="The limit of each step.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; see simulator/doctor/schema.json.")
@click.pass_context
def doctor(context: click.Context, /, domain: str, as_json: bool, **options: Any) -> None:
    """Examine DOMAIN before federating with it: DNS, TCP, TLS, certificate and a SIP request.

    Each step says what was seen and what to change. Without a certificate of ours the steps behind mutual TLS are left
    out. The exit code is 0 when nothing is wrong, 1 when something is, and 2 when the command itself is wrong.
    """
    import asyncio

    from simulator.doctor import examine
    from simulator.doctor.checkup import read_checkup
    from simulator.doctor.display import display_for

    display = display_for(sys.stdout, as_json=as_json)
    with display:
        report = asyncio.run(examine(read_checkup(domain, **options), display.add))
    display.finish(report)
    context.exit(report.exit_code)


if __name__ == "__main__":
    main()
