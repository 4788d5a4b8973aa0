"""Odd, broken and hostile partners: what is legal is taken, what is not is refused, and others are served after it."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.by_hand import by_hand, must_answer, said
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.odd_messages import LEGAL, LONG, Odd
from simulator.scenarios.refused_messages import BROKEN, GARBAGE, TURNED_AWAY
from simulator.scenarios.steps import must_serve_others
from simulator.scenarios.traffic import must_have_got

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.partner.wire import Wire
    from simulator.sip.message import Response


INBOUND = ("receive", "open-federation", "observe-inbox")
WIRE = ("receive", "open-federation")
DOUBTFUL = ("receive", "reach", "show-presence", "observe-inbox", "open-federation")


@scenario(level="must", sources=("R2", "R47"), needs=INBOUND)
@cases("odd", *LEGAL)
def test_odd_but_legal(federation: Federation, odd: Odd) -> None:
    """A message {odd} is delivered."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    wire = partner.edge.wire()

    wire.send(by_hand(federation, partner, **odd.parts()))  # type: ignore[arg-type]

    _must_be_answered(wire, odd)
    alice.expect_message("Hello")
    wire.must_be_open()


@scenario(level="must", sources=("R1", "R2", "dialect §2.1", "dialect §2.4", "dialect §8"), needs=DOUBTFUL)
@cases(
    "habits",
    Case("client-via", {"client_via": True}, words="that keeps the Via of its client, without a branch"),
    Case("via-parameters", {"via_parameters": ("branched=FALSE",)}, words="with more parameters in its Via"),
    Case("unmarked-via", {"marks_via": False}, words="that marks no Via of its responses"),
    Case("asserted-identity", {"asserted_identity": True}, words="that asserts the identities of its users"),
    Case(
        "no-headers-of-clients", {"keep_alive": "", "subnet": False, "history": False}, words="that hides its clients"
    ),
    Case("plain-messages", {"supported_in_message": ()}, words="whose MESSAGE names no extensions"),
    Case(
        "leaks",
        {"further_headers": (("ms-user-logon-data", "RemoteUser"), ("ms-telemetry-id", "c0ffee"))},
        words="that lets headers from inside through",
    ),
)
def test_habit_that_is_not_known(federation: Federation, habits: dict[str, object]) -> None:
    """A partner {habits} chats with the server's users, is written to and watches them, as any other."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="doubtful", **habits))
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    bob.chat_with(alice).say("from the partner").must_succeed()
    must_have_got(alice, ["from the partner"])
    bob.watch(alice).expect("available")
    server_contacts(federation, partner, text="to the partner").must_succeed()


@scenario(level="must", sources=("R2", "R47"), needs=INBOUND)
@cases("odd", *TURNED_AWAY)
def test_turned_away(federation: Federation, odd: Odd) -> None:
    """A request {odd} gets the answer that says why, and the next one on the connection is served."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    alice.ignores("offers")
    wire = partner.edge.wire()

    wire.send(by_hand(federation, partner, **odd.parts()))  # type: ignore[arg-type]

    answer = _must_be_answered(wire, odd)
    named = {405: "Allow", 415: "Accept", 420: "Unsupported", 489: "Allow-Events"}.get(answer.status)
    if named is not None and odd.name.startswith(
        ("of a method", "that requires", "with content", "that subscribes to an")
    ):
        assert named in answer.headers, f"a {answer.status} must say in {named} what would be right; it has none"
    _must_serve_on(federation, wire, partner)
    alice.must_have_no_message()


@scenario(level="must", sources=("R2", "R47"), needs=INBOUND)
@cases("odd", *BROKEN)
def test_broken(federation: Federation, odd: Odd) -> None:
    """A request {odd} is refused, or its connection ended; it is not delivered, and another partner is served."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    wire = partner.edge.wire()

    wire.send(by_hand(federation, partner, **odd.parts()))  # type: ignore[arg-type]

    _must_be_refused_or_ended(wire, odd)
    if 200 in odd.statuses:
        alice.ignores_messages()
    must_serve_others(federation)
    if 200 not in odd.statuses:
        alice.must_have_no_message()


# -- streams ------------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("RFC 3261 §18.3", "RFC 4475 §3.1.2"), needs=INBOUND)
@cases("garbage", *GARBAGE)
def test_garbage_inside_tls(federation: Federation, garbage: bytes) -> None:
    """A partner that sends {garbage} is disconnected or ignored, and another one is served."""
    partner = federation.partner()
    wire = partner.edge.wire()

    wire.send(garbage)

    must_serve_others(federation)
    partner.user("bob").chat_with(federation.sut.user("alice")).say("in order again").must_succeed()
    federation.sut.user("alice").expect_message("in order again")


@scenario(level="must", sources=("R36", "R44", "R46"), needs=INBOUND)
@cases(
    "greeting",
    Case("nothing", b"", words="says nothing"),
    Case("text", b"hello?\r\n", words="sends a line of text"),
    Case("http", b"GET / HTTP/1.0\r\n\r\n", words="sends a request of HTTP"),
    Case("sip", b"OPTIONS sip:alice SIP/2.0\r\nContent-Length: 0\r\n\r\n", words="speaks SIP without TLS"),
    Case("half-a-handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", words="stops in the handshake"),
    Case("zeros", b"\0" * 4096, words="sends zeros"),
)
def test_stranger_at_the_port(federation: Federation, greeting: bytes) -> None:
    """Who connects to the port and {greeting} gets no SIP in the clear, and keeps no partner out, twenty times over."""
    with ExitStack() as open_ones:
        for _ in range(20):
            one = open_ones.enter_context(_connected(federation))
            one.sendall(greeting)

        must_serve_others(federation)

        one.setblocking(False)
        try:
            said = one.recv(4096)
        except (BlockingIOError, ConnectionError):
            said = b""
        assert b"SIP/2.0" not in said, f"the server answered in the clear: {said!r}"


@scenario(level="must", sources=("R47", "RFC 3261 §18.3"), needs=INBOUND)
def test_partners_that_say_nothing(federation: Federation) -> None:
    """Connections of a partner over which nothing is said keep nobody out."""
    partner = federation.partner()
    wires = [partner.edge.wire() for _ in range(5)]

    must_serve_others(federation)

    for wire in wires:
        wire.must_be_open()


@scenario(level="must", sources=("RFC 3261 §18.3", "dialect §2.5"), needs=INBOUND)
@cases("size", Case("bytes-of-7", 7), Case("bytes-of-64", 64), Case("bytes-of-300", 300))
def test_message_in_pieces(federation: Federation, size: int) -> None:
    """A message that comes in pieces of {size} bytes, cut in the middle of letters, is read as one."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    text = "Grüße aus Köln 👋🏽 " * 5
    message = by_hand(federation, partner, "MESSAGE", body=text, more=[f"X-Long: {'x' * 300}"])
    wire = partner.edge.wire()

    wire.send(*(message[start : start + size] for start in range(0, len(message), size)))

    must_answer(wire, "MESSAGE", what=f"a message that came in pieces of {size} bytes")
    alice.expect_message(text)


@scenario(level="must", sources=("RFC 3261 §18.3", "RFC 3261 §7.5"), needs=INBOUND)
def test_many_requests_in_one_piece(federation: Federation) -> None:
    """Twenty messages that come in one piece are all answered, and delivered in their order."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    wire = partner.edge.wire()

    wire.send(b"".join(by_hand(federation, partner, "MESSAGE", body=f"number {number}") for number in range(20)))

    for number in range(20):
        must_answer(wire, "MESSAGE", what=f"message {number} of 20 that came in one piece")
    must_have_got(alice, [f"number {number}" for number in range(20)])


@scenario(level="must", sources=("dialect §1.3", "RFC 5626 §4.4.1"), needs=INBOUND)
@cases("token", Case("crlf", "\r\n"), Case("crlf-crlf", "\r\n\r\n"), Case("many", "\r\n" * 20))
def test_keep_alive_between_messages(federation: Federation, token: str) -> None:
    """Keep-alives before, between and behind messages disturb none of them."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    wire = partner.edge.wire()
    for number in range(2):
        wire.send(token)
        wire.send(token.encode() + by_hand(federation, partner, "MESSAGE", body=f"number {number}") + token.encode())
        must_answer(wire, "MESSAGE", what=f"message {number} between keep-alives of {len(token)} bytes")

    must_have_got(alice, ["number 0", "number 1"])
    wire.must_be_open()


@scenario(level="must", sources=("RFC 3261 §18.1.2", "RFC 3261 §17.1.1.2"), needs=INBOUND)
@cases("status", "100", "200", "503", "699")
def test_answer_to_nothing(federation: Federation, status: str) -> None:
    """An answer ({status}) to a request that the server never sent is ignored, and the next request is served."""
    partner = federation.partner()
    wire = partner.edge.wire()

    wire.send(by_hand(federation, partner, instead={"Request-Line": f"SIP/2.0 {status} Whatever"}))

    _must_serve_on(federation, wire, partner)
    must_serve_others(federation)


@scenario(level="must", sources=("RFC 3261 §17.2.1", "RFC 3261 §13.2.2.4"), needs=WIRE)
def test_stray_ack(federation: Federation) -> None:
    """An ACK that belongs to nothing is never answered, and the next request is served."""
    partner = federation.partner()
    wire = partner.edge.wire()

    wire.send(by_hand(federation, partner, "ACK"))
    wire.send(by_hand(federation, partner, "OPTIONS"))

    answer = wire.expect_answer()
    if answer.cseq.method != "OPTIONS":
        raise ExpectationFailed(
            f"The first answer must be that to the OPTIONS, but it is one to the {answer.cseq.method}: {said(answer)}. "
            "An ACK is never answered, not with 481 either."
        )


@scenario(
    level="should",
    sources=("dialect §2.4",),
    needs=WIRE,
    outcomes={
        "no answer": "ok",
        "refused": ("tolerable", "A server that does not know BENOTIFY treats it as any unknown method."),
    },
)
def test_benotify_that_nobody_asked_for(federation: Federation) -> None:
    """A BENOTIFY that nobody asked for changes nothing, and the next request is served."""
    partner = federation.partner()
    wire = partner.edge.wire()
    headers = ["Event: presence", "Subscription-State: active;expires=600"]

    wire.send(
        by_hand(federation, partner, "BENOTIFY", instead={"To": "To: <sip:alice@{server}>;tag=none"}, more=headers)
    )
    wire.send(by_hand(federation, partner, "OPTIONS"))

    first = wire.expect_answer()
    if first.cseq.method == "BENOTIFY":
        assert first.status >= 300, f"a BENOTIFY that belongs to no subscription was answered {said(first)}"
        wire.expect_answer("OPTIONS")
    happened("no answer" if first.cseq.method == "OPTIONS" else "refused")


@scenario(level="must", sources=("dialect §1.3", "dialect §2.5"), needs=WIRE)
def test_offer_of_compression(federation: Federation) -> None:
    """NEGOTIATE without a branch and with Max-Forwards 0 is answered by a plain refusal, and the link works on."""
    partner = federation.partner()
    wire = partner.edge.wire()

    wire.send(
        by_hand(
            federation,
            partner,
            "NEGOTIATE",
            instead={
                "Request-Line": "NEGOTIATE sip:{server} SIP/2.0",
                "Via": "Via: SIP/2.0/TLS {edge}",
                "Max-Forwards": "Max-Forwards: 0",
            },
            more=["Compression: LZ77-8K"],
        )
    )

    status = wire.expect_answer("NEGOTIATE").status
    assert status not in (400, 483), f"NEGOTIATE without a branch and with Max-Forwards 0 is legal, but got {status}"
    assert status != 200 or "Compression" in federation.ladder(width=200), "a 200 says what was agreed on"
    if status >= 300:
        _must_serve_on(federation, wire, partner)


@scenario(
    level="should",
    sources=("RFC 3261 §8.2", "RFC 3261 §16.3"),
    needs=INBOUND,
    outcomes={
        "delivered": "ok",
        "refused with 483": ("tolerable", "As a proxy in front of its users it may count the last hop."),
    },
)
def test_max_forwards_0(federation: Federation) -> None:
    """A message with Max-Forwards 0 is at its goal: no one has to pass it on."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    alice.ignores_messages()
    wire = partner.edge.wire()

    wire.send(by_hand(federation, partner, "MESSAGE", instead={"Max-Forwards": "Max-Forwards: 0"}, body="Hello"))

    status = wire.expect_answer("MESSAGE").status
    happened("delivered" if status == 200 else f"refused with {status}")


@scenario(level="must", sources=("dialect §2.1", "RFC 3261 §12.1.1"), needs=WIRE)
def test_record_route_comes_back_as_it_was(federation: Federation) -> None:
    """Long and opaque Record-Route values come back in the 200 byte for byte and in their order."""
    partner = federation.partner()
    wire = partner.edge.wire()
    routes = [
        f"<sip:{{edge}};transport=tls;lr;ms-key-info={LONG};ms-route-sig={LONG}>",
        "<sip:pool.example:5061;transport=tls;ms-fe=FE01.example;opaque=state:F:Ci.R1;lr>;ms-rrsig=fi6Z;tag=A990;x",
    ]
    sdp = (
        "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=session\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        "m=message 5060 sip null\r\na=accept-types:text/plain \r\n"
    )
    call = {"Call-ID": "Call-ID: record-route-{edge}", "From": "From: <sip:bob@{domain}>;tag=rr"}

    more = [f"Record-Route: {route}" for route in routes]
    wire.send(by_hand(federation, partner, "INVITE", instead=call, more=more, body=sdp, content_type="application/sdp"))

    answer = must_answer(wire, "INVITE", what="an INVITE with two long Record-Route values")
    edge = f"{partner.edge.fqdn}:{partner.edge.port}"
    given, came = [route.format(edge=edge) for route in routes], answer.headers.all_of("record-route")
    if came[-2:] != given:
        came_back = "".join(f"\n  {route}" for route in came) or " nothing"
        raise ExpectationFailed(
            f"The 200 must end with the Record-Route values of the INVITE, byte for byte and in their order:"
            f"{''.join(f'{chr(10)}  {route}' for route in given)}\nWhat came back:{came_back}"
        )
    inside = {**call, "To": f"To: <sip:alice@{{server}}>;tag={answer.to.tag}"}
    if answer.contact is None:
        raise ExpectationFailed("The 200 to an INVITE must have a Contact, to which ACK and BYE go (RFC 3261 §12.1.1).")
    way = [f"Route: {route}" for route in reversed(answer.record_routes[:-2])]  # by the server's own, if it gave any
    for method, number in (("ACK", 1), ("BYE", 2)):
        lines = {"Request-Line": f"{method} {answer.contact.uri} SIP/2.0", "CSeq": f"CSeq: {number} {method}"}
        wire.send(by_hand(federation, partner, method, instead={**inside, **lines}, more=way))
    must_answer(wire, "BYE", what="a BYE along the Record-Routes, to the Contact and with the tags of the 200")


def _connected(federation: Federation) -> socket.socket:
    """A TCP connection to the server's port, by somebody who is no partner."""
    place = (federation.sut.address, federation.sut.port)
    try:
        return socket.create_connection(place, timeout=5)
    except OSError as error:
        raise ExpectationFailed(
            f"The server must take connections at {place[0]}:{place[1]}, but it does not: {error.strerror or error}. "
            "It no longer listens, or has as many open as it takes: what ended or filled it?"
        ) from None


def _must_be_answered(wire: Wire, odd: Odd) -> Response:
    """The server's answer is one of those that are right."""
    answer = wire.expect_answer(odd.method)
    if answer.status not in odd.statuses:
        right = " or ".join(map(str, sorted(odd.statuses)))
        raise ExpectationFailed(f"A {odd.method} {odd.name} must be answered {right}; the answer was {said(answer)}.")
    return answer


def _must_be_refused_or_ended(wire: Wire, odd: Odd) -> None:
    """The server answers as is right, or ends the connection."""
    found = wire.answer_or_end()
    if found is not None and found.status not in odd.statuses:
        right = " or ".join(map(str, sorted(odd.statuses)))
        raise ExpectationFailed(
            f"A {odd.method} {odd.name} must be answered {right}, or its connection ended; "
            f"the answer was {said(found)}."
        )


def _must_serve_on(federation: Federation, wire: Wire, partner: Partner) -> None:
    """The connection is open and the next request on it is answered."""
    wire.must_be_open()
    wire.send(by_hand(federation, partner, "OPTIONS"))
    must_answer(wire, "OPTIONS", what="the next request on the connection, an OPTIONS in order,")
