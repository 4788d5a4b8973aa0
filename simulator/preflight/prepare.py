"""What happens once before the first test, for a server that is not our own in this process."""

from __future__ import annotations

from simulator.federation import Engine
from simulator.sut import EmbeddedServer


def prepare(engine: Engine) -> None:
    """Check the profile and the way to the server; ConfigurationError with what is wrong."""
    settings, sut = engine.settings, engine.sut
    if sut is None or isinstance(sut, EmbeddedServer):
        return
    if settings.profile is not None:
        from simulator.preflight.profile import compare

        compare(settings.profile, sut)
    if settings.preflight:
        from simulator.preflight.check import check

        check(engine)
