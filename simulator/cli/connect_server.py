"""`sipfed connect-server`: the embedded server on its own."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.group import main


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
