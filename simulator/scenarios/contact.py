"""How the server is brought to contact a partner: a message of its user, or a NOTIFY that it owes (RFC 6665 §4.2)."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import pytest

from simulator.errors import ExpectationFailed
from simulator.outcome import Outcome
from simulator.scenarios.by_hand import by_hand
from simulator.scenarios.record_sets import SERVICE
from simulator.scenarios.traffic import must_be_told, must_not_hammer, requests_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.dns import Zone
    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.sip.message import Response

TEXT = "Hello?"
NOBODY = "nobody-at-all"


class Contact(Protocol):
    """One attempt of the server to reach a user of a partner."""

    @property
    def outcome(self) -> Outcome:
        """What became of it, for scenarios that take it either way."""

    def must_succeed(self) -> None:
        """It reached the partner; ExpectationFailed otherwise."""

    def must_fail(self) -> None:
        """It reached nobody at the partner, and whoever sent it knows; ExpectationFailed otherwise."""

    def must_be_told(self, status: int | None = None) -> None:
        """It failed, and the user who wrote was told why; a NOTIFY has nobody to tell. ExpectationFailed otherwise."""

    def must_have_come_once_or_failed(self) -> None:
        """It arrived once; or it failed, its sender knows, and it came at most once. ExpectationFailed otherwise."""

    def must_not_hammer(self, *, at_most: int = 2) -> None:
        """The server tried it no more often than that; ExpectationFailed otherwise."""

    def must_have_asked(self, name: str, type_: str) -> None:
        """The server asked the DNS this for the attempt; QueryNotSeen, which names the near misses, otherwise."""

    def end(self) -> None:
        """Leave nothing of it that the next attempt would go by, as a session."""


def server_contacts(
    federation: Federation, partner: Partner, user: str = "bob", *, text: str = TEXT, by: str = "alice"
) -> Contact:
    """Let the server under test contact `user` of the partner (capability `reach`), for its own user `by`.

    Where its users can be told to write, alice sends the text. Elsewhere the partner's user subscribes to alice on a
    connection that was proven while the partner's records and certificate were in order; the NOTIFY that follows
    needs a connection of the server's own, for which it looks up, dials and judges the partner as the test made it.
    """
    if "chat" in federation.sut.capabilities:
        return Written(federation, partner, user, text, by)
    return Owed(federation, partner, user, by)


class Written:
    """A message of alice, or of another user."""

    def __init__(self, federation: Federation, partner: Partner, user: str, text: str, by: str = "alice") -> None:
        """It has been answered, or has failed, when this returns."""
        self._federation, self._partner, self._text = federation, partner, text
        self._began = federation.dns.query_count
        self._alice, self._user = federation.sut.user(by), partner.user(user)
        self.outcome = self._alice.chat_with(self._user).say(text)

    def must_succeed(self) -> None:
        """It was confirmed, and it arrived."""
        self.outcome.must_succeed()
        self._user.expect_message(self._text, from_=self._alice)

    def must_fail(self) -> None:
        """Alice was told so, and nothing arrived."""
        self.outcome.must_fail()
        self._user.must_have_no_message()

    def must_be_told(self, status: int | None = None) -> None:
        """Alice was told so with a status or a sentence, and nothing arrived."""
        must_be_told(self.outcome, status)
        self._user.must_have_no_message()

    def must_have_come_once_or_failed(self) -> None:
        """As often as alice was told, and never twice; it is taken by that."""
        times = [message.text for message in self._user.messages].count(self._text)
        if self.outcome.delivered:
            assert times == 1, f"{self.outcome}, but {self._user.uri} got it {times} times"
        else:
            must_be_told(self.outcome)
            assert times <= 1, f"{self._user.uri} got it {times} times"

    def must_not_hammer(self, *, at_most: int = 2) -> None:
        """So many INVITE and MESSAGE requests outside of dialogs came in all."""
        must_not_hammer(self._federation, self._partner, "INVITE", "MESSAGE", at_most=at_most)

    def must_have_asked(self, name: str, type_: str) -> None:
        """The question came since alice wrote."""
        self._federation.dns.expect_query(name, type_, since=self._began)

    def end(self) -> None:
        """Alice ends the conversation."""
        self._alice.chat_with(self._user).close()


class Owed:
    """The first NOTIFY of a subscription to alice. It is answered 481, so that nothing is left of the subscription."""

    def __init__(self, federation: Federation, partner: Partner, user: str, by: str = "alice") -> None:
        """The SUBSCRIBE has been answered when this returns. Where the server need not dial then, since it has refused
        it or notifies on the partner's own connection, a scenario in which it must reach nobody is skipped."""
        self._federation, self._partner, self._watcher = federation, partner, partner.user(user).uri
        watcher, watched = self._watcher, federation.sut.user(by).uri
        self._what = f"the NOTIFY of {watched} to {watcher}"
        self._arrivals = partner.edge.answers("NOTIFY", 481, admitted=True)
        with in_order(federation, partner, watcher.rpartition("@")[2]):
            self._wire = partner.edge.wire()
            self._subscribe(NOBODY, watcher)
        self._began = federation.dns.query_count
        answer = self._subscribe(watched[len("sip:") :].partition("@")[0], watcher)
        self._status, self._call_id = answer.status, answer.call_id

    def _subscribe(self, to: str, watcher: str) -> Response:
        self._wire.send(
            by_hand(
                self._federation,
                self._partner,
                "SUBSCRIBE",
                to=to,
                instead={
                    "From": f"From: <{watcher}>;tag=hand{{number}}",
                    "Contact": f"Contact: <{watcher};transport=tls>",
                },
                more=("Event: presence", "Accept: application/pidf+xml", "Expires: 600"),
            )
        )
        return self._wire.expect_answer("SUBSCRIBE")

    @cached_property
    def outcome(self) -> Outcome:
        """Whether it had arrived when another partner, who asked later, had been told."""
        if self._status >= 300:
            pytest.skip(f"the server answered {self._status} to a SUBSCRIBE on a proven connection: it owes no NOTIFY")
        Owed(self._federation, self._federation.partner(), "fence").must_succeed()
        arrived = self._has_arrived()
        self._arrivals.end()
        return Outcome(arrived, None, "" if arrived else "it never arrived", "notify", subject=self._what)

    def must_succeed(self) -> None:
        """It arrived."""
        if self._status >= 300:
            raise ExpectationFailed(
                f"The server must contact {self._partner}, but refuses the SUBSCRIBE of {self._watcher} with "
                f"{self._status}; the connection is one on which the partner's domain was to be proven."
            )
        with suppress(ExpectationFailed):
            self._arrivals.must_have_happened()
        if not self._has_arrived():
            raise ExpectationFailed(
                f"The server must contact {self._partner} by itself, but {self._what} never arrived: look at what it "
                "asked the DNS, whether it dialled, and how TLS ended."
            )
        self._arrivals.end()

    def must_fail(self) -> None:
        """It has not arrived when another partner, who asked later, has been told."""
        self.outcome.must_fail()

    def must_be_told(self, status: int | None = None) -> None:
        """It has not arrived; the answer was for the server alone."""
        del status
        self.must_fail()

    def must_have_come_once_or_failed(self) -> None:
        """Another partner, who asked later, has been told meanwhile; and it was not tried again and again. That a state
        is told twice does no harm."""
        _ = self.outcome
        self.must_not_hammer()

    def must_not_hammer(self, *, at_most: int = 2) -> None:
        """So many notifications of this subscription came, whether the partner let them in or not."""
        sent = requests_to(self._federation, self._partner, "NOTIFY", "BENOTIFY")
        tries = [request for request in sent if request.call_id == self._call_id]
        if len(tries) > at_most:
            raise ExpectationFailed(
                f"The partner had refused, and still the server sent {len(tries)} notifications to {self._watcher} "
                f"for one that was owed; at most {at_most} are in order."
            )

    def must_have_asked(self, name: str, type_: str) -> None:
        """The question came since the SUBSCRIBE on the connection that was proven."""
        self._federation.dns.expect_query(name, type_, since=self._began)

    def end(self) -> None:
        """The 481 has ended it."""

    def _has_arrived(self) -> bool:
        if self._wire.has_brought("NOTIFY"):
            pytest.skip("the server notifies on the connection that the watcher has opened: it dials nobody for that")
        return any(f"{self._watcher};" in line for line in self._arrivals.requests)


@contextmanager
def in_order(federation: Federation, partner: Partner, domain: str) -> Iterator[None]:
    """The domain's SRV record, the address of the partner's edge and its certificate are in order while the block
    lasts, and nothing goes wrong in the DNS; then all is again as the test has made it."""
    edge, zones = partner.edge, federation.zones
    around = [origin for origin in zones.origins if f".{edge.fqdn}".endswith(f".{origin}")]
    home = max(around, key=len, default=domain)
    with ExitStack() as stack:
        for origin in {domain, home}:
            stack.callback(zones.replace_zone, zones.zone(origin))
        stack.enter_context(federation.dns.suspend_faults(f"{SERVICE}.{domain}", str(edge.fqdn)))
        stack.enter_context(edge.presenting(federation.issue(edge.fqdn)))
        with zones.edit(domain) as zone:
            _without(zone, SERVICE, "SRV").srv(SERVICE, 0, 0, edge.port, str(edge.fqdn))
        with zones.edit(home) as zone:
            _without(zone, str(edge.fqdn), "A", "AAAA", "ALIAS", "CNAME")
            (zone.aaaa if ":" in edge.address else zone.a)(str(edge.fqdn), edge.address)
        yield


def _without(zone: Zone, owner: str, *types: str) -> Zone:
    """The zone without these records; it is no matter whether there were any."""
    from fakes.errors import FakeError

    for kind in types:
        with suppress(FakeError):
            zone.remove(owner, kind)
    return zone
