"""Records from plain texts, as JSON and TOML have them: the values are those of a zone file (RFC 1035 §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fakes.dns.records import RECORD_TYPES
from fakes.dns.zone import Zone
from fakes.errors import FakeError

MAX_SHOWN = 60
"Characters of a wrong value that an error text repeats."


def read_dict(origin: str, names: Mapping[str, Mapping[str, Any]], *, ttl: int) -> Zone:
    """Make a zone; see `Zone.from_dict`."""
    zone = Zone(origin, ttl=ttl, negative_ttl=ttl)
    for owner, types in names.items():
        if not isinstance(types, Mapping):
            raise FakeError(f"{owner!r} in zone {origin}: give a mapping of types to values.")
        for type_, given in types.items():
            seconds, values = _values(given, f"{owner!r} {type_} in zone {origin}")
            if type_ == "NS" and owner in ("", "@"):
                zone.remove("@", "NS")
            for value in values:
                insert(zone, owner, type_, value, ttl=seconds)
    return zone


def _values(given: Any, place: str) -> tuple[int | None, Sequence[str]]:
    seconds = None
    if isinstance(given, Mapping):
        if set(given) - {"ttl", "values"} or "values" not in given:
            raise FakeError(
                f"{place}: a mapping here has `values` and perhaps `ttl`, not {', '.join(map(repr, given))}."
            )
        seconds, given = given.get("ttl"), given["values"]
        if seconds is not None and (not isinstance(seconds, int) or isinstance(seconds, bool)):
            raise FakeError(f"{place}: the TTL is a whole number of seconds, not {seconds!r}.")
    values = [given] if isinstance(given, str) else given
    if not isinstance(values, Sequence) or not values or not all(isinstance(value, str) for value in values):
        raise FakeError(f"{place}: give one text or a list of texts, not {str(given)[:MAX_SHOWN]!r}.")
    return seconds, values


def insert(zone: Zone, owner: str, type_: str, value: str, *, ttl: int | None = None) -> Zone:
    """Add one record whose value is given as text. Raises FakeError that names owner and type."""
    build = _BUILDERS.get(type_)
    if build is None:
        known = ", ".join(kind for kind in RECORD_TYPES if kind in _BUILDERS)
        raise FakeError(f"{owner!r} in zone {zone.origin}: {type_!r} is no record type here; there are {known}.")
    try:
        return build(zone, owner, value, ttl)
    except (FakeError, ValueError) as error:
        why = str(error) if isinstance(error, FakeError) else f"{value[:MAX_SHOWN]!r} is not {_FORMS[type_]}."
        raise FakeError(f"{owner!r} {type_} in zone {zone.origin}: {why}") from error


def _srv(zone: Zone, owner: str, value: str, ttl: int | None) -> Zone:
    priority, weight, port, target = value.split()
    return zone.srv(owner, int(priority), int(weight), int(port), target, ttl=ttl)


def _caa(zone: Zone, owner: str, value: str, ttl: int | None) -> Zone:
    flags, tag, said = value.split(maxsplit=2)
    return zone.caa(owner, int(flags), tag, said.removeprefix('"').removesuffix('"'), ttl=ttl)


_BUILDERS: dict[str, Callable[[Zone, str, str, int | None], Zone]] = {
    "A": lambda zone, owner, value, ttl: zone.a(owner, value, ttl=ttl),
    "AAAA": lambda zone, owner, value, ttl: zone.aaaa(owner, value, ttl=ttl),
    "ALIAS": lambda zone, owner, value, ttl: zone.alias(owner, value, ttl=ttl),
    "CAA": _caa,
    "CNAME": lambda zone, owner, value, ttl: zone.cname(owner, value, ttl=ttl),
    "NS": lambda zone, owner, value, ttl: zone.ns(owner, value, ttl=ttl),
    "PTR": lambda zone, owner, value, ttl: zone.ptr(owner, value, ttl=ttl),
    "SRV": _srv,
    "TXT": lambda zone, owner, value, ttl: zone.txt(owner, value, ttl=ttl),
}
_FORMS = {"SRV": "`priority weight port target`", "CAA": "`flags tag value`"}
