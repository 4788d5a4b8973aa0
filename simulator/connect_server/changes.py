"""What differs between two settings, and what of it a running server can take (R37, R38; C4B's own: F5.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from simulator.connect_server.identity import OwnCertificate
from simulator.connect_server.settings import Route, ServerSettings

T = TypeVar("T")

RESTART: Final = ("domain", "fqdn", "listen")
"""What partners and users know the server by: a change of it would tear down every connection, dialog and address."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs."""

    place: str
    "Where it stands: `listen.port`, `users.alice.office_plus`, `static_routes.fabrikam.test.enabled`."
    sentence: str
    "What it was and what it is."
    needs_restart: bool
    "Whether only a restart puts it into force."

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Reload:
    """What became of settings that were read again."""

    changes: tuple[Change, ...]
    "Every setting that differs from what was in force before; empty when none does."
    before: OwnCertificate
    "The certificate that was presented."
    after: OwnCertificate
    "The one that the settings choose now; it is presented only when they were applied."

    @property
    def needs_restart(self) -> tuple[Change, ...]:
        """What a running server cannot take."""
        return tuple(change for change in self.changes if change.needs_restart)

    @property
    def applied(self) -> bool:
        """Whether the new settings are in force: all of them, or, when one needs a restart, none."""
        return not self.needs_restart

    @property
    def sentences(self) -> list[str]:
        """The same for a log, where the server itself says which certificate it presents."""
        if self.applied:
            told = [f"Changed {change}" for change in self.changes]
            if not told and self.before.identity == self.after.identity:
                return ["The settings are as they were."]
            return told
        why = [f"A restart is needed for {change}" for change in self.needs_restart]
        return [*why, "Until then all settings stay as they were, the other changes included."]


def differences(old: ServerSettings, new: ServerSettings) -> tuple[Change, ...]:
    """Every change from `old` to `new`, in the order of the settings."""
    return tuple(_differences(old, new))


def _differences(old: ServerSettings, new: ServerSettings) -> Iterator[Change]:
    for name in (field.name for field in fields(ServerSettings)):
        before, after = getattr(old, name), getattr(new, name)
        restart = name in RESTART
        if before == after:
            continue
        if name in ("users", "locations", "groups"):
            yield from _of_list(name, before, after, lambda item: str(item.name).lower(), restart)
        elif name == "static_routes":
            if before.enabled != after.enabled:
                yield _change("static_routes.enabled", before.enabled, after.enabled, restart)
            yield from _of_list(name, before.routes, after.routes, _route_key(before.routes, after.routes), restart)
        else:
            yield from _of_value(name, before, after, restart)


def _of_value(place: str, before: Any, after: Any, restart: bool) -> Iterator[Change]:
    """Two dataclasses of one kind differ field by field, anything else as a whole."""
    if type(before) is not type(after) or not hasattr(before, "__dataclass_fields__") or _is_leaf(before):
        yield _change(place, before, after, restart)
        return
    for field in fields(before):
        one, other = getattr(before, field.name), getattr(after, field.name)
        if one != other:
            yield _change(f"{place}.{field.name}", one, other, restart)


def _of_list(
    place: str, before: Sequence[T], after: Sequence[T], key: Callable[[T], str], restart: bool
) -> Iterator[Change]:
    old, new = {key(item): item for item in before}, {key(item): item for item in after}
    for name in old.keys() - new.keys():
        yield Change(f"{place}.{name}", "It was removed.", restart)
    for name, item in new.items():
        if name not in old:
            yield Change(f"{place}.{name}", "It was added.", restart)
        elif old[name] != item:
            yield from _of_value(f"{place}.{name}", old[name], item, restart)


def _route_key(*lists: Sequence[Route]) -> Callable[[Route], str]:
    """Routes go by their domain, and where one has several routes, by host and port too."""
    doubled = {
        str(route.domain) for routes in lists for route in routes if sum(r.domain == route.domain for r in routes) > 1
    }

    def key(route: Route) -> str:
        domain = str(route.domain)
        return f"{domain} ({route.host}:{route.port})" if domain in doubled else domain

    return key


def _change(place: str, before: object, after: object, restart: bool) -> Change:
    return Change(place, f"It was {_shown(before)} and is {_shown(after)}.", restart)


def _shown(value: object) -> str:
    if value is None:
        return "left open"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "__dataclass_fields__") and not _is_leaf(value):
        return ", ".join(_shown(getattr(value, name)) for name in value.__dataclass_fields__)
    return str(value) or "empty"


def _is_leaf(value: object) -> bool:
    """Names are dataclasses too, but shown as one word."""
    return type(value).__module__.startswith("simulator.names")
