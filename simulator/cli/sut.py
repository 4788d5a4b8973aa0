"""The options that choose the server under test, and the commands about it."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.errors import ConfigurationError, Problem

sut_option = click.option(
    "--sut",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    metavar="FILE",
    help="The server under test (sut.toml); without, the embedded Connect Server.",
)


def sut_arguments(sut: Path | None, *, parallel: bool) -> list[str]:
    """What to give pytest for `--sut FILE`; ConfigurationError with every mistake in the file."""
    if sut is None:
        return []
    from simulator.sut.settings import load

    driver = load(sut).driver
    if parallel and not driver.startswith("embedded"):
        message = f"there is one server behind the driver {driver}, and only one test at a time can change it."
        raise ConfigurationError([Problem("--parallel", message)])
    return [f"--sut={sut}"]
