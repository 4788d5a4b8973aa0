"""What was asked: every query as it came, waiting for one, and failures that name the near misses."""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any

from fakes.dns.answers import Kept
from fakes.dns.message import Reply, Transport
from fakes.dns.records import Record, folded, name_text, parse_name
from fakes.errors import FakeError

NEAR_MISSES = 5
"How many other queries a failure shows."

Entry = tuple[int, float, tuple[Any, ...], Transport, Kept, bytes]
"Number of the query, time, client, transport, answer, id: a `Query` is made of it when somebody looks."


class QueryNotSeen(AssertionError):
    """The server was not asked what it had to be asked; the text says what it was asked instead."""


@dataclass(frozen=True, slots=True)
class Query:
    """A message that came and was understood or refused; `str(query)` is one line."""

    at: float
    "Seconds on the server's clock, when the query was read; a late answer leaves later."
    client: str
    "`address:port` of who asked."
    transport: Transport
    "What it came over."
    reply: Reply
    "All of the answer."

    @property
    def name(self) -> str:
        """The name asked for, in lower case and without trailing dot; empty when the message was unreadable."""
        question = self.reply.question
        return "" if question is None else name_text(folded(question.name)).removesuffix(".")

    @property
    def asked(self) -> str:
        """The same in the letter case that it came in."""
        question = self.reply.question
        return "" if question is None else name_text(question.name).removesuffix(".")

    @property
    def type(self) -> str:
        """The type asked for, such as `SRV` or `TYPE65280`; empty when the message was unreadable."""
        question = self.reply.question
        return "" if question is None else question.type_text

    @property
    def address(self) -> str:
        """Who asked, without the port."""
        return self.client.rpartition(":")[0].strip("[]")

    @property
    def answered(self) -> bool:
        """False when a fault kept the server from answering."""
        return bool(self.reply.wire)

    @property
    def fault(self) -> str:
        """The kind of fault that shaped the answer; empty for a true answer."""
        return self.reply.fault

    @property
    def rcode(self) -> str:
        """Mnemonic of the response code; NODATA is `NOERROR` without answers; empty when not `answered`."""
        return self.reply.rcode.name if self.answered else ""

    @property
    def records(self) -> tuple[Record, ...]:
        """The answer section as sent; empty when `reply.truncated`."""
        return self.reply.answers

    @property
    def answers(self) -> tuple[str, ...]:
        """The answer section as lines of a zone file."""
        return tuple(map(str, self.reply.answers))

    def __str__(self) -> str:
        outcome = ", ".join(self.answers) or ("truncated" if self.reply.truncated else self.rcode or "no answer")
        shaped = f" (fault {self.fault})" if self.fault else ""
        question = f"{self.name or '.'} {self.type or '(unreadable)'}"
        return f"{self.client} asked {question} over {self.transport}: {outcome}{shaped}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A description of queries; what is None does not matter. `str(wanted)` reads within a sentence."""

    name: str
    "In lower case and without trailing dot."
    type: str | None = None
    "Mnemonic."
    transport: Transport | None = None
    "`udp` or `tcp`."
    client: str | None = None
    "IP address of who asks."

    @classmethod
    def of(cls, name: str, type_: str | None, transport: Transport | None, client: str | None) -> Wanted:
        """Check and normalise. Raises FakeError for a name, a transport or an address that cannot be."""
        if transport not in (None, "udp", "tcp"):
            raise FakeError(f"A transport is udp or tcp, not {transport!r}.")
        try:
            address = None if client is None else str(ipaddress.ip_address(client))
        except ValueError as error:
            raise FakeError(f"A client is given by its IP address, unlike {client!r}.") from error
        return cls(name_text(folded(parse_name(name))).removesuffix("."), type_, transport, address)

    def differences(self, query: Query) -> list[str]:
        """Say in which ways the query is another one; nothing when it is wanted."""
        pairs: list[tuple[str, str, str | None]] = [
            ("name", query.name, self.name),
            ("type", query.type, self.type),
            ("transport", query.transport, self.transport),
            ("client", query.address, self.client),
        ]
        return [f"other {what}" for what, seen, wanted in pairs if wanted is not None and seen != wanted]

    def __str__(self) -> str:
        parts = [self.type or "any type of", self.name or "."]
        parts += [f"over {self.transport}"] if self.transport else []
        parts += [f"from {self.client}"] if self.client else []
        return " ".join(parts)


@dataclass(slots=True)
class _Waiter:
    wanted: Wanted
    left: int
    "How many wanted queries are still to come."
    seen: int
    "Number of the last query that was looked at."
    future: Future[Query]


class History:
    """The last queries of a server, filled on its loop and read from any thread."""

    def __init__(self, capacity: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._count = 0
        self._waiters: list[_Waiter] = []
        self._lock = threading.Lock()

    def add(self, at: float, client: tuple[Any, ...], transport: Transport, kept: Kept, id_: bytes) -> None:
        """Remember a query; on the server's loop, before its answer leaves."""
        self._count = number = self._count + 1
        self._entries.append((number, at, client, transport, kept, id_))
        if self._waiters:
            self._tell()

    @property
    def count(self) -> int:
        """How many queries there were in all, also those that are kept no longer or were cleared."""
        return self._count

    def clear(self) -> None:
        """Forget the queries so far."""
        self._entries.clear()

    def queries(self, since: int = 0) -> list[Query]:
        """Return those that are kept and have a number above `since`, oldest first."""
        return [_query(entry) for entry in self._after(since)]

    def wait(self, wanted: Wanted, count: int, since: int) -> Future[Query]:
        """Return a future of the `count`th wanted query after `since`, which may have come already."""
        waiter = _Waiter(wanted, count, since, Future())
        with self._lock:
            self._waiters.append(waiter)
        self._tell()
        return waiter.future

    def forget(self, future: Future[Query]) -> None:
        """Stop waiting."""
        with self._lock:
            self._waiters = [waiter for waiter in self._waiters if waiter.future is not future]

    def must_hold(self, wanted: Wanted, times: int | None, since: int) -> list[Query]:
        """Return the wanted queries. Raises QueryNotSeen when there are none, or another number than `times`."""
        queries = self.queries(since)
        found = [query for query in queries if not wanted.differences(query)]
        if len(found) == times or (times is None and found):
            return found
        if times == 0:
            seen = "\n  ".join(map(str, found[:NEAR_MISSES]))
            asked = f"it was, {_times(len(found))}:\n  {seen}"
            raise QueryNotSeen(f"The DNS server must not have been asked for {wanted}; {asked}")
        how_often = "" if times is None else f" {_times(times)}"
        seen = f"it was asked {_times(len(found))}" if found else "it was not"
        raise QueryNotSeen(
            f"The DNS server must have been asked for {wanted}{how_often}; {seen}.{_others(wanted, queries)}"
        )

    def not_seen(self, wanted: Wanted, count: int, since: int, seconds: float) -> QueryNotSeen:
        """Return the failure of a wait."""
        queries = self.queries(since)
        found = sum(not wanted.differences(query) for query in queries)
        expected = f"asked for {wanted}" + (f" {_times(count)}" if count > 1 else "")
        seen = f"; it was asked {_times(found)}" if found else ""
        return QueryNotSeen(f"The DNS server was not {expected} within {seconds:g} s{seen}.{_others(wanted, queries)}")

    def _after(self, number: int) -> list[Entry]:
        while True:
            try:
                newest = list(takewhile(lambda entry: entry[0] > number, reversed(self._entries)))
            except RuntimeError:  # the loop's thread added one in the middle of it
                continue
            newest.reverse()
            return newest

    def _tell(self) -> None:
        with self._lock:
            self._waiters = [waiter for waiter in self._waiters if not self._satisfied(waiter)]

    def _satisfied(self, waiter: _Waiter) -> bool:
        for entry in self._after(waiter.seen):
            waiter.seen = entry[0]
            query = _query(entry)
            if not waiter.wanted.differences(query):
                waiter.left -= 1
                if waiter.left == 0:
                    if waiter.future.set_running_or_notify_cancel():
                        waiter.future.set_result(query)
                    return True
        return False


def endpoint(address: str, port: int) -> str:
    """Write an address and a port as one text."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _query(entry: Entry) -> Query:
    _, at, client, transport, kept, id_ = entry
    return Query(at, endpoint(client[0], client[1]), transport, kept.for_id(id_))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _others(wanted: Wanted, queries: Sequence[Query]) -> str:
    """List the nearest other queries, those first that differ in least, and say in what."""
    others = [query for query in queries if wanted.differences(query)]
    if not others:
        return "" if queries else " It was asked nothing at all."
    counted = Counter((query.name, query.type, query.transport, query.address) for query in others)
    one_of_each = {(query.name, query.type, query.transport, query.address): query for query in others}

    def distance(query: Query) -> tuple[int, float]:
        return len(wanted.differences(query)), -SequenceMatcher(None, query.name, wanted.name).ratio()

    nearest = sorted(one_of_each.items(), key=lambda item: distance(item[1]))[:NEAR_MISSES]
    lines = [
        f"\n  {query.type or '(unreadable)'} {query.name or '.'} over {query.transport} from {query.address}, "
        f"{_times(counted[key])}, answer {query.rcode or 'none'} ({', '.join(wanted.differences(query))})"
        for key, query in nearest
    ]
    more = len(one_of_each) - len(nearest)
    rest = f"\n  and {more} more" if more else ""
    return " The nearest:" + "".join(lines) + rest
