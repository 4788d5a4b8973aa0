"""What happens once before the first test: the settings are read, the server is started, the way to it is checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import ConfigurationError, Problem
from simulator.federation import Engine
from simulator.sut import EmbeddedServer, SutSettings

if TYPE_CHECKING:
    from simulator.sut.binding import Bind


def started(settings: SutSettings) -> Engine:
    """A running engine with the server under test; ConfigurationError with the one thing that is in the way."""
    engine = Engine(settings=settings)
    try:
        engine.start_sut()
        prepare(engine)
    except BaseException:
        engine.close()
        raise
    return engine


def prepare(engine: Engine) -> None:
    """Check the profile and the way to the server, unless it is our own in this process."""
    settings, sut = engine.settings, engine.sut
    if sut is None or isinstance(sut, EmbeddedServer):
        return
    if settings.profile is not None:
        from simulator.preflight.profile import compare

        compare(settings.profile, sut)
    if settings.preflight:
        from simulator.preflight.check import check

        check(engine)


def settings_for(
    sut: Path | None, *, bind: str | None = None, public: str | None = None, slow: bool = False
) -> SutSettings:
    """The settings of the file `sut`, or the embedded server's, with what the command line says above them.

    Raises ConfigurationError with every mistake.
    """
    from simulator.sut.settings import load

    settings = load(sut) if sut is not None else SutSettings()
    if bind is not None:
        settings = replace(settings, network=replace(settings.network, bind=_bound(bind, public)))
    elif public is not None:
        raise ConfigurationError([Problem("--public", f"It repeats what --bind names; write --bind {public} as well.")])
    return replace(settings, slow=True) if slow else settings


def _bound(written: str, public: str | None) -> Bind:
    from simulator.sut.binding import read_bind, repeats, unasked_public

    try:
        bound = read_bind(written)
    except ValueError as error:
        raise ConfigurationError([Problem("--bind", str(error))]) from None
    everybodys = unasked_public(bound, public)
    if everybodys is not None:
        message = f"{everybodys} is a public address; if everybody may reach the partners, add --public {written}."
        raise ConfigurationError([Problem("--bind", message)])
    if public is not None and not repeats(bound, public):
        raise ConfigurationError(
            [Problem("--public", f"It repeats what --bind names, which is {bound}; leave it out.")]
        )
    return bound
