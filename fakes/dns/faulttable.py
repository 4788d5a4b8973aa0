"""The faults that are in force on a server: off by default, by name and type, seeded."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import get_args

from fakes.dns.effects import EFFECTS, REACH, loop_partner, record_of
from fakes.dns.faults import CHANGED_TYPES, HUGE_TYPES, Asked, Effect, Fault, FaultKind
from fakes.dns.lookup import PublishedZones
from fakes.dns.message import Transport, read_query
from fakes.dns.records import RecordType, folded, parse_name, short_enough
from fakes.errors import FakeError

TYPES: tuple[str, ...] = tuple(kind for kind in get_args(RecordType) if kind != "ALIAS")
"For which types a fault may be asked."
SRV_ONLY = (FaultKind.TARGET_CNAME, FaultKind.TARGET_ROOT)
ALL_TYPES_ONLY = (FaultKind.CNAME_LOOP, FaultKind.WILDCARD_A)
MAX_COUNT = 4000
"More records of a kind than a message of 64 kB can hold."


class Faults:
    """The faults of a server; they come and go from any thread, and questions are judged on the server's loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.in_force: tuple[Fault, ...] = ()
        "The oldest first; a change makes a new tuple."

    def add(
        self,
        name: str,
        kind: FaultKind | str,
        type: str | None = None,  # noqa: A002 # it is the word for it
        *,
        delay: float = 1.0,
        count: int = 1000,
        value: str | None = None,
        rate: float = 1.0,
        times: int | None = None,
        seed: int = 0,
    ) -> Fault:
        """Let something go wrong from now on; see `DnsServer.fault`."""
        fault = Fault(
            folded(parse_name(name)),
            _kind(kind),
            type,
            delay,
            count,
            value,
            rate,
            times,
            random.Random(seed),
            self.remove,
        )
        _check(fault)
        with self._lock:
            self.in_force = (*self.in_force, fault)
        return fault

    def clear(self, name: str | None = None) -> None:
        """Take away all faults, or those that were asked for under this name."""
        key = None if name is None else folded(parse_name(name))
        with self._lock:
            self.in_force = tuple(fault for fault in self.in_force if key not in (None, fault.name))

    def remove(self, fault: Fault) -> None:
        """Take away one fault, if it is there."""
        with self._lock:
            self.in_force = tuple(other for other in self.in_force if other is not fault)

    @contextmanager
    def suspended(self, *names: str) -> Iterator[None]:
        """Nothing goes wrong for these names as long as the block lasts; what did before does so again after it."""
        keys = {folded(parse_name(name)) for name in names}
        with self._lock:
            resting = tuple(fault for fault in self.in_force if fault.name in keys)
            self.in_force = tuple(fault for fault in self.in_force if fault.name not in keys)
        try:
            yield
        finally:
            with self._lock:
                self.in_force = (*resting, *self.in_force)

    def effect(self, wire: bytes, transport: Transport, zones: PublishedZones) -> Effect | None:
        """Return what happens to a query; None when nothing goes wrong. Of several faults the newest counts."""
        question = read_query(wire)
        if question is None:
            return None
        asked = Asked(question, transport, zones)
        for fault in reversed(self.in_force):
            if _concerns(fault, asked) and fault.happens(asked.type):
                effect = EFFECTS[fault.kind](fault, asked)
                if effect is not None:
                    return replace(effect, reply=replace(effect.reply, fault=str(fault.kind)))
        return None


def _concerns(fault: Fault, asked: Asked) -> bool:
    reach = REACH.get(fault.kind)
    return fault.names(asked.name, asked.type) or (reach is not None and reach(fault, asked))


def _kind(kind: FaultKind | str) -> FaultKind:
    try:
        return FaultKind(kind)  # type: ignore[call-arg] # mypy takes this for the making of a new member
    except ValueError as error:
        raise FakeError(f"{str(kind)!r} is no kind of fault; there are {', '.join(FaultKind)}.") from error


def _check(fault: Fault) -> None:
    kind, type_ = fault.kind, fault.type
    if type_ is not None and type_ not in TYPES:
        raise FakeError(f"{type_!r} is no type that a fault can be for; there are {', '.join(TYPES)}.")
    if kind in SRV_ONLY and type_ not in (None, "SRV"):
        raise FakeError(f"{kind} is about SRV and not {type_}.")
    if kind in ALL_TYPES_ONLY and type_ is not None:
        raise FakeError(f"{kind} is about all types of the name: leave the type out.")
    if kind in (*SRV_ONLY, *ALL_TYPES_ONLY) and fault.name[:1] == (b"*",):
        raise FakeError(f"{kind} needs the name of one host or service, without a wildcard.")
    if kind is FaultKind.HUGE and type_ not in (None, *HUGE_TYPES):
        raise FakeError(f"{kind} is for {', '.join(HUGE_TYPES)} and not {type_}.")
    if kind is FaultKind.CHANGED and type_ not in (None, *CHANGED_TYPES):
        raise FakeError(f"{kind} is for {', '.join(CHANGED_TYPES)} and not {type_}.")
    if kind is FaultKind.CNAME_LOOP:
        short_enough(loop_partner(fault.name))
    if fault.delay < 0:
        raise FakeError(f"A delay is 0 seconds or more, not {fault.delay}.")
    if not 1 <= fault.count <= MAX_COUNT:
        raise FakeError(f"{kind} adds 1 to {MAX_COUNT} records, not {fault.count}.")
    if not 0 < fault.rate <= 1:
        raise FakeError(f"A rate is above 0 and at most 1, not {fault.rate}.")
    if fault.times is not None and fault.times < 1:
        raise FakeError(f"A fault happens 1 time or more, not {fault.times}; leave `times` out for always.")
    if fault.value is not None:
        if kind is FaultKind.WILDCARD_A:
            record_of((b"x",), "A", fault.value)
        elif kind is not FaultKind.CHANGED or type_ is None:
            raise FakeError(f"{kind} takes no value, at least not without a type.")
        else:
            record_of((b"x",), type_, fault.value)
