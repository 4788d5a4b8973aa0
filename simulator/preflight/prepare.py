"""What happens once before the first test: the settings are read, the server is started, the way to it is checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from simulator.errors import ConfigurationError, Problem
from simulator.federation import Engine
from simulator.sut import EmbeddedServer, SutSettings


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
        from simulator.sut.binding import bind_address, is_unasked_public

        try:
            address = bind_address(bind)
        except ValueError as error:
            raise ConfigurationError([Problem("--bind", str(error))]) from None
        if is_unasked_public(address, public):
            message = f"{address} is a public address; if everybody may reach the partners, add --public {address}."
            raise ConfigurationError([Problem("--bind", message)])
        settings = replace(settings, network=replace(settings.network, bind=address))
    return replace(settings, slow=True) if slow else settings
