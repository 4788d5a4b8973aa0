"""Whether a user may federate, and what decides it: licences and the switches on four levels (R3-R6).

The order, first what decides alone:

1. The server's licence is missing: nobody federates (R3).
2. `federation.enabled` is off: nobody federates.
3. The user has no Office Plus Pack: this user does not (R4).
4. The switches of the user, the configuration group and the location, each on, off or left open. The requirements name
   location and group and no order (R5, R6), so both readings are there: `precedence = "nearest"` takes the first that
   is not left open, from the user over the group to the location; with `"every"` one that is off is enough.
5. All are left open: the user federates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from simulator.connect_server.settings import ServerSettings, User

Level = Literal["server licence", "server", "user licence", "user", "group", "location", "default"]


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The answer for one user."""

    allowed: bool
    "Whether partners reach this user and this user reaches them."
    decided_by: Level
    "What decided; `default` where every switch is left open."
    sentence: str
    "The same for people."


def server_entitlement(settings: ServerSettings) -> Entitlement | None:
    """Why nobody federates at all (steps 1 and 2); None when that is not so."""
    if not settings.licences.server:
        return Entitlement(False, "server licence", "The server has no licence for federation (R3).")
    if not settings.federation.enabled:
        return Entitlement(False, "server", "Federation is switched off for the whole server.")
    return None


def entitlement(settings: ServerSettings, user: User) -> Entitlement:
    """Whether `user` federates under these settings."""
    server = server_entitlement(settings)
    if server is not None:
        return server
    if not user.office_plus:
        return Entitlement(False, "user licence", f"{user.name} has no Office Plus Pack (R4).")
    return _by_switches(settings, user)


def _by_switches(settings: ServerSettings, user: User) -> Entitlement:
    told = [(level, on, whose) for level, on, whose in _switches(settings, user) if on is not None]
    if settings.federation.precedence == "every":
        told = [switch for switch in told if not switch[1]] or told
    if not told:
        return Entitlement(True, "default", f"No switch is set for {user.name}.")
    level, on, whose = told[0]
    return Entitlement(on, level, f"Federation is switched {'on' if on else 'off'} for {whose}.")


def _switches(settings: ServerSettings, user: User) -> Iterator[tuple[Level, bool | None, str]]:
    """From the nearest to the farthest."""
    yield "user", user.federation, user.name
    if (group := settings.group(user.group)) is not None:
        yield "group", group.federation, f"the group {group.name} of {user.name} (R6)"
    if (location := settings.location(user.location)) is not None:
        yield "location", location.federation, f"the location {location.name} of {user.name} (R5)"
