"""How an edge uses its connections: how many, for how long, and compressed or not (dialect facts §1.3)."""

from __future__ import annotations

import asyncio
import threading

import pytest

from simulator.evidence.recorder import Record
from simulator.federation import Federation
from simulator.io.link import Link
from simulator.io.user import User
from simulator.partner import SFB_2019, Partner
from simulator.sip.transaction import ServerTransaction
from tests.partner.by_hand import listening, request_to, send, server_of


def opened(federation: Federation, partner: Partner) -> int:
    """How many connections the partner has opened so far."""
    return len([record for record in federation.records if record.who == str(partner) and record.what == "connected"])


def sent_by(federation: Federation, partner: Partner, method: str) -> list[Record]:
    return [
        record
        for record in federation.records
        if record.who == str(partner) and record.what == "sent" and record.text.startswith(f"{method} ")
    ]


def send_at_once(federation: Federation, partner: Partner, users: list[User], alice: User) -> None:
    """A message from each of `users` at the same moment."""
    agent = partner.agent

    async def all_of_them() -> None:
        await asyncio.gather(
            *(agent.send_text(agent.accounts[user.uri], alice.uri, f"from {user.uri}") for user in users)
        )

    federation._engine.loop.run(all_of_them())


def test_one_connection_is_enough_for_one_thing_after_the_other(federation: Federation) -> None:
    partner = federation.partner()
    alice = listening(federation.sut.user("alice"))

    for name in ("bob", "berta", "bert"):
        partner.user(name).chat_with(alice).say("Hello").must_succeed()

    assert opened(federation, partner) == 1


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_who_waits_gets_another_connection_up_to_the_limit(federation: Federation, limit: int) -> None:
    """`OutgoingTlsCountForFederatedPartners`: 1 to 4."""
    partner = federation.partner(SFB_2019.but(connections=limit))
    alice = listening(federation.sut.user("alice"))
    partner.user("first").chat_with(alice).say("Hello").must_succeed()
    users = [partner.user(f"bob{number}") for number in range(12)]

    send_at_once(federation, partner, users, alice)

    assert opened(federation, partner) == limit
    assert len([message for message in alice.messages if message.text.startswith("from ")]) == 12


def test_all_connections_may_be_opened_with_the_first_request(federation: Federation) -> None:
    partner = federation.partner(SFB_2019.but(connections=3, connect_at_once=True))
    alice = listening(federation.sut.user("alice"))

    partner.user("bob").chat_with(alice).say("Hello").must_succeed()
    partner.user("bob").chat_with(alice).say("Hello again").must_succeed()

    assert opened(federation, partner) == 3


def test_a_call_stays_on_its_connection(federation: Federation) -> None:
    """Requests of one dialog could overtake each other on several connections."""
    partner = federation.partner(SFB_2019.but(connections=4))
    alice = listening(federation.sut.user("alice"))
    users = [partner.user(f"bob{number}") for number in range(8)]
    send_at_once(federation, partner, users, alice)
    connections = partner.agent.connections

    def where() -> dict[str, int]:
        return {call_id: id(link) for (_, call_id), link in connections._of_call.items()}

    before = where()
    send_at_once(federation, partner, users, alice)

    assert len(set(before.values())) > 1
    assert {call_id: link for call_id, link in where().items() if call_id in before} == before


def test_an_idle_connection_is_closed_and_the_next_request_opens_another(federation: Federation) -> None:
    partner = federation.partner(SFB_2019.but(idle_seconds=60))
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))
    bob.chat_with(alice).say("one").must_succeed()
    federation.advance(59)
    bob.chat_with(alice).say("two").must_succeed()
    federation.advance(59)
    bob.chat_with(alice).say("three").must_succeed()
    assert opened(federation, partner) == 1, "what is used is not idle"

    federation.advance(61)
    bob.chat_with(alice).say("four").must_succeed()

    assert opened(federation, partner) == 2
    assert [record for record in federation.records if "nothing happened on it for 60 seconds" in record.text]


def test_the_partner_may_use_the_connection_of_the_server(federation: Federation) -> None:
    partner = federation.partner(SFB_2019.but(reuse_incoming=True))
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))
    alice.chat_with(bob).say("Hello").must_succeed()

    bob.watch(alice).expect("available")

    assert opened(federation, partner) == 0, "all went over the connection that the server had opened"


def test_by_default_it_opens_one_of_its_own(federation: Federation) -> None:
    partner = federation.partner()
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))
    alice.chat_with(bob).say("Hello").must_succeed()

    bob.watch(alice).expect("available")

    assert opened(federation, partner) == 1


def test_compression_is_offered_first_and_the_refusal_taken(federation: Federation) -> None:
    """As in the example of [MS-SIPCOMP]: a Via without branch, Max-Forwards 0."""
    partner = federation.partner(SFB_2019.but(offer_compression=True))
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))

    bob.chat_with(alice).say("Hello").must_succeed()

    (offer,) = sent_by(federation, partner, "NEGOTIATE")
    assert offer is next(record for record in federation.records if (record.who, record.what) == (str(partner), "sent"))
    lines = offer.text.split("\r\n")
    assert "Compression: LZ77-8K" in lines
    assert "Max-Forwards: 0" in lines
    (via,) = [line for line in lines if line.startswith("Via: ")]
    assert "branch" not in via
    partner.edge.must_log("answers the offer of compression with 405 Method Not Allowed; the link stays uncompressed")


def test_nothing_is_offered_unless_it_is_switched_on(federation: Federation) -> None:
    partner = federation.partner()
    partner.user("bob").chat_with(listening(federation.sut.user("alice"))).say("Hello").must_succeed()

    assert not sent_by(federation, partner, "NEGOTIATE")


class Negotiator:
    """Makes the server answer NEGOTIATE otherwise than it does."""

    def __init__(self, federation: Federation, patch: pytest.MonkeyPatch) -> None:
        self.asked = threading.Event()
        self._loop = federation._engine.loop
        self._pending: tuple[Link, ServerTransaction]
        self.headers: list[tuple[str, str]] | None = None
        "The headers of the 200; None leaves the offer without an answer."
        self._agent = server_of(federation).server.agent
        patch.setattr(self._agent.connections.compression, "on_offer", self._on_offer)

    def _on_offer(self, link: Link, transaction: ServerTransaction, _status: int) -> None:
        self._pending = link, transaction
        if self.headers is not None:
            self._agent.respond(link, transaction, 200, headers=self.headers)
        self.asked.set()

    def answer_late(self, headers: list[tuple[str, str]]) -> None:
        link, transaction = self._pending
        self._loop.call(lambda: self._agent.respond(link, transaction, 200, headers=headers))


@pytest.fixture
def negotiator(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> Negotiator:
    return Negotiator(federation, monkeypatch)


def test_an_offer_without_an_answer_is_given_up(federation: Federation, negotiator: Negotiator) -> None:
    partner = federation.partner(SFB_2019.but(offer_compression=True, compression_wait=30))
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))
    sending = federation._engine.loop.submit(
        partner.agent.send_text(partner.agent.accounts[bob.uri], alice.uri, "Hello")
    )
    assert negotiator.asked.wait(5)

    federation.advance(31)

    assert sending.result(5).delivered
    partner.edge.must_log("does not answer the offer of compression")


def was_closed_for_it(federation: Federation) -> bool:
    return any("compression was agreed on" in record.text for record in federation.records if record.what == "closed")


@pytest.mark.parametrize("headers", [[], [("Compression", "LZ77-8K")]])
def test_who_takes_the_offer_is_left_for_a_link_without_it(
    federation: Federation, negotiator: Negotiator, headers: list[tuple[str, str]]
) -> None:
    """Compression itself is not spoken here: to go on would be to talk past each other. A 200 that does not name the
    algorithm takes nothing."""
    negotiator.headers = headers
    partner = federation.partner(SFB_2019.but(offer_compression=True, connections=1))
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))

    bob.chat_with(alice).say("Hello").must_succeed()

    taken = "takes the offer of compression, which is not spoken here"
    refused = "answers the offer of compression with 200 OK; the link stays uncompressed"
    partner.edge.must_log(taken if headers else refused)
    assert opened(federation, partner) == (2 if headers else 1)
    assert was_closed_for_it(federation) is bool(headers)


@pytest.mark.parametrize("status", [405, 488, 501])
def test_an_offer_is_answered_as_the_persona_says(federation: Federation, status: int) -> None:
    partner = federation.partner(SFB_2019.but(compression_answer=status))
    offer = request_to(federation, partner, "NEGOTIATE", headers=[("Compression", "LZ77-8K")])
    offer.headers.set("Max-Forwards", "0")

    assert send(federation, partner, offer).status == status
    federation.sut.user("alice").chat_with(listening(partner.user("bob"))).say("and on it goes").must_succeed()


def test_an_idle_connection_of_the_server_may_be_closed_too(federation: Federation) -> None:
    partner = federation.partner(SFB_2019.but(idle_incoming_seconds=60))
    alice, bob = federation.sut.user("alice"), listening(partner.user("bob"))
    alice.chat_with(bob).say("one").must_succeed()
    assert partner.edge.connections == 1

    federation.advance(61)
    partner.edge.probe().must_succeed()  # by then the timer has run: it was due before

    assert opened(federation, partner) == 1
    assert partner.edge.connections == 1, "the one of the probe"
    alice.chat_with(bob).say("two").must_succeed()


def test_an_offer_that_is_taken_late_ends_the_link(federation: Federation, negotiator: Negotiator) -> None:
    """From then on the peer would read compressed what is not."""
    partner = federation.partner(SFB_2019.but(offer_compression=True, compression_wait=5))
    alice, bob = listening(federation.sut.user("alice")), partner.user("bob")
    sending = federation._engine.loop.submit(
        partner.agent.send_text(partner.agent.accounts[bob.uri], alice.uri, "Hello")
    )
    assert negotiator.asked.wait(5)
    federation.advance(6)
    assert sending.result(5).delivered

    negotiator.answer_late([("Compression", "LZ77-8K")])
    partner.edge.must_log("takes the offer of compression late")
    assert was_closed_for_it(federation)
