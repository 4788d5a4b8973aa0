"""What no single value of the settings shows: names given twice, names that lead nowhere, rival routes (R5, R6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.connect_server.settings import ServerSettings
from simulator.errors import Problem
from simulator.names import SipDomain
from simulator.toml.places import Path, spell

Mistake = tuple[Path, str]


@dataclass(frozen=True, slots=True)
class Outline:
    """What the rules below look at. A value that is no text, or no domain, is None: that is told elsewhere."""

    users: Sequence[Mapping[str, str | None]]
    "`name`, `location` and `group` of each."
    locations: Sequence[str | None]
    "Their names."
    groups: Sequence[str | None]
    "Their names."
    routes: Sequence[SipDomain | None]
    "The domains of those that are switched on, None for the others."


def of_settings(settings: ServerSettings) -> Outline:
    """The outline of settings that were made in Python."""
    return Outline(
        [{"name": user.name, "location": user.location, "group": user.group} for user in settings.users],
        [location.name for location in settings.locations],
        [group.name for group in settings.groups],
        [route.domain if route.enabled else None for route in settings.static_routes.routes],
    )


def of_document(document: Mapping[str, Any]) -> Outline:
    """The outline of a TOML document, as far as it has the shape for one."""
    return Outline(
        [
            {key: _text(user.get(key)) for key in ("name", "location", "group")}
            for user in _tables(document.get("users"))
        ],
        [_text(location.get("name")) for location in _tables(document.get("locations"))],
        [_text(group.get("name")) for group in _tables(document.get("groups"))],
        [_enabled_domain(route) for route in _tables(_mapping(document.get("static_routes")).get("routes"))],
    )


def mistakes(outline: Outline) -> Iterator[Mistake]:
    """Every mistake with the path of the value that has to change."""
    yield from _repeated("users", [user["name"] for user in outline.users])
    yield from _repeated("locations", outline.locations)
    yield from _repeated("groups", outline.groups)
    yield from _rival_routes(outline.routes)
    yield from _dangling("location", outline.users, outline.locations)
    yield from _dangling("group", outline.users, outline.groups)


def problems(settings: ServerSettings) -> list[Problem]:
    """The same for settings that were made in Python; the places are those of the settings file."""
    return [Problem(spell(path), message) for path, message in mistakes(of_settings(settings))]


def _repeated(table: str, names: Iterable[str | None]) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name is not None and seen.setdefault(name.lower(), index) != index:
            yield (table, index, "name"), f"{table}[{seen[name.lower()]}] has the name {_quoted(name)} already."


def _rival_routes(domains: Iterable[SipDomain | None]) -> Iterator[Mistake]:
    seen: dict[SipDomain, int] = {}
    for index, domain in enumerate(domains):
        if domain is not None and seen.setdefault(domain, index) != index:
            yield (
                ("static_routes", "routes", index, "domain"),
                f"static_routes.routes[{seen[domain]}] leads to {domain} already; only one may be enabled.",
            )


def _dangling(key: str, users: Iterable[Mapping[str, str | None]], names: Iterable[str | None]) -> Iterator[Mistake]:
    known = {name.lower(): name for name in names if name is not None}
    for index, user in enumerate(users):
        name = user[key]
        if name is not None and name.lower() not in known:
            there_is = ", ".join(_quoted(each) for each in known.values()) or f"no {key} at all"
            message = f"There is no {key} {_quoted(name)}; there is {there_is}. Add it with a line [[{key}s]]."
            yield ("users", index, key), message


def _quoted(name: str) -> str:
    return f'"{repr(name)[1:-1]}"'


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _enabled_domain(route: Mapping[str, Any]) -> SipDomain | None:
    domain = route.get("domain")
    try:
        return SipDomain.parse(domain) if isinstance(domain, str) and route.get("enabled", True) is True else None
    except ValueError:
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[Mapping[str, Any]]:
    """The tables of a list, each at its index."""
    return [_mapping(item) for item in value] if isinstance(value, list) else []
