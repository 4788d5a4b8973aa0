"""`sipfed connect-server`: the embedded server on its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.group import main

if TYPE_CHECKING:
    from simulator.connect_server.serve import ControlOptions


@main.command("connect-server", short_help="Run the embedded Connect Server alone.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The settings file (TOML).",
)
@click.option("--check", is_flag=True, help="Look for mistakes in the settings, without serving.")
@click.option("--example", is_flag=True, help="Print a settings file that explains every setting.")
@click.option("--control", metavar="ADDRESS:PORT", help="Offer the control API there, on loopback; port 0 is any.")
@click.option(
    "--control-token",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file with the bearer token, made when it is not there.  [default: the settings file with .token]",
)
@click.option("--openapi", is_flag=True, help="Print the control API as an OpenAPI document.")
@click.option("--leashed", is_flag=True, hidden=True)  # takes the token from standard input and ends with it
def connect_server(
    config: Path | None,
    check: bool,
    example: bool,
    control: str | None,
    control_token: Path | None,
    openapi: bool,
    leashed: bool,
) -> None:
    """Run the embedded Connect Server alone, until Ctrl-C; SIGHUP makes it read its settings again."""
    if example:
        from simulator.connect_server.settings import EXAMPLE

        click.echo(EXAMPLE, nl=False)
        return
    if openapi:
        from simulator.connect_server.control.document import text

        click.echo(text(), nl=False)
        return
    if config is None:
        raise click.UsageError("Give the settings with --config FILE; --example prints a file to start from.")

    from simulator.connect_server import serve as service
    from simulator.scenarios.text import printable

    if check:
        for problem in service.check(config):
            click.echo(printable(f"Warning: {problem}"))
        click.echo(printable(f"{config} is in order."))
        return
    options = _control(control, control_token or config.with_suffix(".token"), leashed) if control else None
    service.serve(config, lambda sentence: click.echo(printable(sentence)), options, leashed=leashed)


def _control(where: str, token_file: Path, leashed: bool) -> ControlOptions:
    from simulator.connect_server.control.service import token_from
    from simulator.connect_server.serve import ControlOptions
    from simulator.toml.values import address_and_port

    address, _, port = where.rpartition(":")
    if port == "0":
        where = f"{address}:1"
    try:
        listen, number = address_and_port(where, 8061, "place to listen")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--control") from None
    token = sys.stdin.buffer.readline().decode("ascii").strip() if leashed else token_from(token_file)
    return ControlOptions(str(listen), 0 if port == "0" else number, token)
