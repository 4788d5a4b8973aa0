"""What an administrator does, each as a function from settings to settings (R4-R6, R27-R40).

Put the result into force with `ConnectServer.apply`. Every function raises ConfigurationError, naming what there is,
when it is asked for something that is not there, or that would make the settings contradict themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NoReturn

from simulator.connect_server import consistency
from simulator.connect_server.settings import (
    SIPS_PORT,
    Group,
    Location,
    Route,
    ServerSettings,
    User,
    same_name,
)
from simulator.errors import ConfigurationError, Problem
from simulator.names import Host, SipDomain


def add_route(
    settings: ServerSettings, domain: SipDomain, host: Host, port: int = SIPS_PORT, *, enabled: bool = True
) -> ServerSettings:
    """Add a static route (R27, R32-R36)."""
    return _with_routes(settings, (*settings.static_routes.routes, Route(domain, host, port, enabled)))


def remove_route(settings: ServerSettings, domain: SipDomain) -> ServerSettings:
    """Delete every static route to the domain."""
    _must_have_route(settings, domain)
    return _with_routes(settings, (route for route in settings.static_routes.routes if route.domain != domain))


def switch_route(settings: ServerSettings, domain: SipDomain, *, enabled: bool) -> ServerSettings:
    """Switch the static routes to the domain on or off, and keep their configuration (R37)."""
    _must_have_route(settings, domain)
    routes = settings.static_routes.routes
    return _with_routes(
        settings, (replace(route, enabled=enabled) if route.domain == domain else route for route in routes)
    )


def switch_static_routes(settings: ServerSettings, *, enabled: bool) -> ServerSettings:
    """Switch the connection type on or off (R31)."""
    return replace(settings, static_routes=replace(settings.static_routes, enabled=enabled))


def switch_open_federation(settings: ServerSettings, *, enabled: bool) -> ServerSettings:
    """Switch the connection type on or off (R39)."""
    return replace(settings, open_federation=replace(settings.open_federation, enabled=enabled))


def switch_federation(settings: ServerSettings, *, enabled: bool) -> ServerSettings:
    """Switch federation of the whole server on or off."""
    return replace(settings, federation=replace(settings.federation, enabled=enabled))


def license_server(settings: ServerSettings, *, licensed: bool) -> ServerSettings:
    """Give the server its licence, or take it away (R3)."""
    return replace(settings, licences=replace(settings.licences, server=licensed))


def add_user(settings: ServerSettings, user: User) -> ServerSettings:
    """Add a user."""
    return _checked(replace(settings, users=(*settings.users, user)))


def remove_user(settings: ServerSettings, name: str) -> ServerSettings:
    """Delete a user."""
    _must_be_there("user", name, [user.name for user in settings.users])
    return replace(settings, users=tuple(user for user in settings.users if not same_name(user.name, name)))


def license_user(settings: ServerSettings, name: str, *, office_plus: bool) -> ServerSettings:
    """Give a user the Office Plus Pack, or take it away (R4)."""
    return _with_user(settings, name, lambda user: replace(user, office_plus=office_plus))


def switch_user(settings: ServerSettings, name: str, *, federation: bool | None) -> ServerSettings:
    """Set the user's own switch; None leaves it to group and location."""
    return _with_user(settings, name, lambda user: replace(user, federation=federation))


def move_user(settings: ServerSettings, name: str, *, location: str | None, group: str | None) -> ServerSettings:
    """Put a user into a location and a configuration group, or into none (R5, R6)."""
    return _with_user(settings, name, lambda user: replace(user, location=location, group=group))


def switch_location(settings: ServerSettings, name: str, *, federation: bool | None) -> ServerSettings:
    """Set the switch of a location; None leaves it open (R5)."""
    _must_be_there("location", name, [location.name for location in settings.locations])
    locations = (
        replace(location, federation=federation) if same_name(location.name, name) else location
        for location in settings.locations
    )
    return replace(settings, locations=tuple(locations))


def switch_group(settings: ServerSettings, name: str, *, federation: bool | None) -> ServerSettings:
    """Set the switch of a configuration group; None leaves it open (R6)."""
    _must_be_there("group", name, [group.name for group in settings.groups])
    groups = (
        replace(group, federation=federation) if same_name(group.name, name) else group for group in settings.groups
    )
    return replace(settings, groups=tuple(groups))


def add_location(settings: ServerSettings, location: Location) -> ServerSettings:
    """Add a location, without users yet."""
    return _checked(replace(settings, locations=(*settings.locations, location)))


def add_group(settings: ServerSettings, group: Group) -> ServerSettings:
    """Add a configuration group, without users yet."""
    return _checked(replace(settings, groups=(*settings.groups, group)))


def _with_user(settings: ServerSettings, name: str, change: Callable[[User], User]) -> ServerSettings:
    _must_be_there("user", name, [user.name for user in settings.users])
    users = tuple(change(user) if same_name(user.name, name) else user for user in settings.users)
    return _checked(replace(settings, users=users))


def _with_routes(settings: ServerSettings, routes: Iterable[Route]) -> ServerSettings:
    return _checked(replace(settings, static_routes=replace(settings.static_routes, routes=tuple(routes))))


def _checked(settings: ServerSettings) -> ServerSettings:
    problems = consistency.problems(settings)
    if problems:
        raise ConfigurationError(problems)
    return settings


def _must_have_route(settings: ServerSettings, domain: SipDomain) -> None:
    domains = [str(route.domain) for route in settings.static_routes.routes]
    if str(domain) not in domains:
        _not_there("static route", str(domain), domains)


def _must_be_there(kind: str, name: str, known: list[str]) -> None:
    if not any(same_name(each, name) for each in known):
        _not_there(kind, name, known)


def _not_there(kind: str, name: str, known: list[str]) -> NoReturn:
    there_is = ", ".join(known) or f"no {kind} at all"
    raise ConfigurationError([Problem(f"{kind} {name}", f"there is no such {kind}; there is {there_is}")])
