"""The options that choose the server under test, and the commands about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.group import main
from simulator.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from simulator.sut import SutSettings

_SUT = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)


@dataclass(frozen=True, slots=True)
class Target:
    """Which server is tested, and where the partners stand."""

    file: Path | None
    bind: str | None
    public: str | None
    slow: bool

    @property
    def profile(self) -> str | None:
        """What a statement calls the settings."""
        return None if self.file is None else self.file.name

    def settings(self) -> SutSettings:
        """The settings of the server, with what the options say above them; ConfigurationError with every mistake."""
        from simulator.preflight.prepare import settings_for

        return settings_for(self.file, bind=self.bind, public=self.public, slow=self.slow)

    def arguments(self, *, parallel: bool) -> list[str]:
        """What to give pytest; ConfigurationError with every mistake in the file and the options."""
        if self.file is None and self.bind is None and self.public is None and not self.slow:
            return []
        from simulator.preflight.prepare import settings_for

        driver = settings_for(self.file, bind=self.bind, public=self.public).driver
        if parallel and not driver.startswith("embedded"):
            message = f"there is one server behind the driver {driver}, and only one test at a time can change it."
            raise ConfigurationError([Problem("--parallel", message)])
        given = {"--sut": self.file, "--sipfed-bind": self.bind, "--sipfed-public": self.public}
        found = [f"{name}={value}" for name, value in given.items() if value is not None]
        return [*found, "--sipfed-slow"] if self.slow else found


def target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose the server under test; the command gets them as `target`."""

    @click.option(
        "--sut",
        type=_SUT,
        metavar="FILE",
        help="The server under test (sut.toml); without, the embedded Connect Server.",
    )
    @click.option(
        "--bind",
        metavar="ADDRESS",
        help="Where partners and DNS stand, in place of loopback; of several or a range, one each.",
    )
    @click.option("--public", metavar="ADDRESS", help="Repeat --bind to use a public address.")
    @click.option("--slow", is_flag=True, help="Let scenarios about time wait where the clock cannot be set.")
    @wraps(command)
    def with_target(*, sut: Path | None, bind: str | None, public: str | None, slow: bool, **others: Any) -> None:
        command(target=Target(sut, bind, public, slow), **others)

    return with_target


@main.command(short_help="Find out what your server can be told to do.")
@click.option("--sut", type=_SUT, metavar="FILE", required=True, help="The server to try (sut.toml).")
@click.option(
    "--profile",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write what was found.  [default: the name of sut.toml with .profile.toml]",
)
def probe(sut: Path, profile: Path | None) -> None:
    """Find out what a server can be told to do, and write it to a file for review.

    Written into sut.toml as `profile = "FILE"`, it makes a later run fail that finds less.
    """
    from dataclasses import replace

    from simulator.federation import Engine
    from simulator.preflight.check import check
    from simulator.preflight.probe import probe as found_by
    from simulator.preflight.profile import write_profile
    from simulator.scenarios.text import printable
    from simulator.sut.settings import load

    target = profile or sut.with_suffix(".profile.toml")
    engine = Engine(settings=replace(load(sut), profile=None))
    try:
        server = engine.start_sut()
        check(engine)
        has = set()
        for finding in found_by(engine):
            has |= {finding.capability} if finding.has else set()
            click.echo(printable(f"{'yes' if finding.has else 'no ':3}  {finding.capability:24}  {finding.why}"))
        write_profile(target, server.name, has)
    finally:
        engine.close()
    click.echo(f'Written to {target}; write profile = "{target.name}" into [sut] of {sut.name} to demand it.')
