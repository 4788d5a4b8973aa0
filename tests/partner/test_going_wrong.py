"""What a partner's edge can be told to do wrong: answers, silence, broken connections, and bytes by hand."""

from __future__ import annotations

import pytest

from simulator.errors import ExpectationFailed
from simulator.federation import Federation
from simulator.partner import FederationPolicy, Partner

HELLO = "Hello?"


def say(federation: Federation, partner: Partner) -> str:
    """What became of a message of Alice's to Bob, in a word and a status."""
    bob = partner.user("bob")
    bob.ignores_messages()
    outcome = federation.sut.user("alice").chat_with(bob).say(HELLO)
    return "delivered" if outcome.delivered else f"{outcome.status or outcome.phase}"


def test_an_edge_answers_as_it_is_told_for_as_long_as_it_is_told(federation: Federation) -> None:
    partner = federation.partner()
    mishap = partner.edge.answers("INVITE", 503, headers=[("Retry-After", "5")], times=1)

    assert say(federation, partner) == "503"
    assert say(federation, partner) == "delivered"
    assert list(mishap.requests) == [f"INVITE sip:bob@{partner.domain} SIP/2.0"]
    assert "Retry-After: 5" in "".join(record.text for record in federation.records)

    lasting = partner.edge.answers("MESSAGE", 480)
    assert say(federation, partner) == "480"
    assert say(federation, partner) == "480"
    lasting.end()
    assert say(federation, partner) == "delivered"


def test_a_mishap_that_nothing_met_says_so(federation: Federation) -> None:
    mishap = federation.partner().edge.falls_silent("REFER")

    with pytest.raises(ExpectationFailed, match=r"go wrong \(silent\) with a REFER, but none reached it"):
        mishap.must_have_happened(within=0.01)


def test_a_silent_edge_leaves_the_connection_open(federation: Federation) -> None:
    partner = federation.partner()
    mishap = partner.edge.falls_silent("INVITE", times=1)
    saying = federation.sut.user("alice").chat_with(partner.user("bob")).start_saying(HELLO)
    mishap.must_have_happened()
    assert not saying.is_over

    assert partner.edge.connections == 1
    federation.advance(40)
    assert saying.outcome().must_fail()


def test_a_late_edge_answers_in_the_end(federation: Federation) -> None:
    partner = federation.partner()
    mishap = partner.edge.answers_late(20, "INVITE", times=1)
    saying = federation.sut.user("alice").chat_with(partner.user("bob")).start_saying(HELLO)
    mishap.must_have_happened()
    assert not saying.is_over

    federation.advance(20)

    saying.outcome().must_succeed()
    partner.user("bob").expect_message(HELLO)


def test_a_mishap_may_wait_for_what_the_partner_has_let_in(federation: Federation) -> None:
    partner, stranger = federation.partner(), federation.partner(policy=FederationPolicy(partner_discovery=False))
    let_in = partner.edge.answers("INVITE", 503, admitted=True)
    kept_out = stranger.edge.answers("INVITE", 503, admitted=True)

    assert say(federation, partner) == "503"
    assert say(federation, stranger) == "504"
    assert len(let_in.requests) == 1
    assert kept_out.requests == ()


def test_an_edge_that_drops_its_connections_goes_on_listening(federation: Federation) -> None:
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    chat = alice.chat_with(bob)
    chat.say("before").must_succeed()

    partner.edge.drops_connections()

    assert partner.edge.connections == 0
    bob.chat_with(alice).say("from here").must_succeed()  # the server has read the end by now
    chat.say("after").must_succeed()
    assert [bob.expect_message(text).text for text in ("before", "after")] == ["before", "after"]
    alice.expect_message("from here")


def test_an_edge_that_stops_is_back_when_it_recovers(federation: Federation) -> None:
    partner = federation.partner()
    partner.edge.stop()
    assert say(federation, partner) == "connect"

    partner.edge.recovers()

    assert say(federation, partner) == "delivered"


def test_an_edge_shows_the_certificate_that_it_is_given_from_the_next_connection_on(federation: Federation) -> None:
    partner = federation.partner()
    assert say(federation, partner) == "delivered"

    partner.edge.present(federation.issue(partner.edge.fqdn, "expired"))
    assert say(federation, partner) == "delivered"  # over the connection that was there before
    partner.edge.drops_connections()
    assert say(federation, partner) == "tls"

    partner.edge.present(None)
    assert say(federation, partner) == "tls"
    assert partner.edge.probe().status is None

    partner.edge.present(federation.issue(partner.edge.fqdn))
    assert say(federation, partner) == "delivered"
    assert partner.edge.probe().status == 200


def test_an_edge_shows_another_certificate_for_a_while(federation: Federation) -> None:
    partner = federation.partner()

    with partner.edge.presenting(federation.issue(partner.edge.fqdn, "self-signed")):
        assert say(federation, partner) == "tls"

    assert say(federation, partner) == "delivered"


@pytest.mark.parametrize("taken", [False, True])
def test_an_edge_closes_before_or_after_it_has_taken_the_request(federation: Federation, taken: bool) -> None:
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    chat = alice.chat_with(bob)
    chat.say("first").must_succeed()
    bob.expect_message("first")
    partner.edge.closes_on("MESSAGE", taken=taken, times=1)

    chat.say(HELLO).must_fail()

    assert len(bob.messages) == (2 if taken else 1)


@pytest.mark.parametrize("how", ["refuses", "closes", "closes-in-handshake", "garbage"])
def test_an_edge_breaks_down_and_recovers(federation: Federation, how: str) -> None:
    partner = federation.partner()
    assert say(federation, partner) == "delivered"

    partner.edge.breaks_down(how)  # type: ignore[arg-type]
    assert partner.edge.connections == 0
    assert say(federation, partner) in ("connect", "tls")

    partner.edge.recovers()
    assert say(federation, partner) == "delivered"


def test_a_connection_that_never_comes_up_is_given_up_on_the_clock_of_the_federation(federation: Federation) -> None:
    partner = federation.partner()
    partner.edge.breaks_down("silent")
    saying = federation.sut.user("alice").chat_with(partner.user("bob")).start_saying(HELLO)
    partner.edge.must_have_been_dialled()

    federation.advance(10)

    saying.outcome().must_fail(phase="connect")


def test_a_question_without_an_answer_is_given_up_on_the_clock_of_the_federation(federation: Federation) -> None:
    partner = federation.partner()
    federation.dns.fault(partner.domain.srv_name, "no-answer")
    saying = federation.sut.user("alice").chat_with(partner.user("bob")).start_saying(HELLO)
    federation.wait_for_query(partner.domain.srv_name, "SRV")

    federation.advance(10)

    saying.outcome().must_fail(phase="discovery")


def options(federation: Federation, partner: Partner, *lines: str) -> str:
    source = f"{partner.edge.fqdn}:{partner.edge.port}"
    head = (
        f"OPTIONS sip:alice@{federation.sut.domain} SIP/2.0",
        f"Via: SIP/2.0/TLS {source};branch=z9hG4bK1",
        f"From: <sip:bob@{partner.domain}>;tag=1",
        f"To: <sip:alice@{federation.sut.domain}>",
        "Call-ID: by-hand",
        "CSeq: 1 OPTIONS",
        *lines,
        "Content-Length: 0",
    )
    return "\r\n".join([*head, "", ""])


def test_what_was_to_go_wrong_twice_and_did_so_once_is_counted(federation: Federation) -> None:
    partner = federation.partner()
    refusal = partner.edge.answers("INVITE", 503)
    federation.sut.user("alice").chat_with(partner.user("bob")).say("Hello?").must_fail()

    refusal.must_have_happened()
    came = len(refusal.requests)

    with pytest.raises(ExpectationFailed, match=f"with a INVITE, but only {came} of {came + 1} reached it"):
        refusal.must_have_happened(times=came + 1, within=0.01)


def test_bytes_by_hand_reach_the_server_and_its_answers_the_test(federation: Federation) -> None:
    partner = federation.partner()
    wire = partner.edge.wire()
    text = options(federation, partner)

    wire.send(text[:20], text[20:])

    assert wire.expect_answer("OPTIONS").status == 200
    wire.must_be_open()
    assert "sends 20 bytes by hand: OPTIONS sip:alice@ac" in federation.ladder(width=200)


def test_a_partner_whose_policy_lets_nobody_out_still_has_connections_by_hand(federation: Federation) -> None:
    partner = federation.partner()
    policy = partner.tenant(partner.domain).policy
    assert isinstance(policy, FederationPolicy)
    policy.block(federation.sut.domain)

    wire = partner.edge.wire()
    wire.send(options(federation, partner))

    assert wire.expect_answer("OPTIONS").status == 200


def test_a_connection_by_hand_that_the_server_ends_says_so(federation: Federation) -> None:
    partner = federation.partner()
    wire = partner.edge.wire()

    wire.send("what is this\r\n\r\n")

    wire.must_be_closed()
    with pytest.raises(ExpectationFailed, match=r"what came was: .*Then the server ended the connection"):
        wire.expect_answer()
    with pytest.raises(ExpectationFailed, match="server has ended it"):
        wire.must_be_open()
    with pytest.raises(ExpectationFailed, match="the server has ended the connection"):
        wire.send("more")


def test_a_connection_by_hand_that_goes_on_says_so(federation: Federation) -> None:
    wire = federation.partner().edge.wire()

    with pytest.raises(ExpectationFailed, match="must end the connection, but it is still open"):
        wire.must_be_closed(within=0.01)
    with pytest.raises(
        ExpectationFailed, match="must answer the OPTIONS that was sent by hand; what came was: nothing"
    ):
        wire.expect_answer("OPTIONS", within=0.01)


def test_a_connection_by_hand_that_does_not_come_up_says_so(federation: Federation) -> None:
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"))
    partner = federation.partner(opposite=server)
    server.close()

    with pytest.raises(ExpectationFailed, match=r"must get a connection to acme\S+, .* Does the server still listen"):
        partner.edge.wire()
