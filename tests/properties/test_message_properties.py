"""What holds for every message and every byte stream (RFC 3261 §7, §18.3)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import sipmessage
from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from simulator.errors import RemoteProtocolError
from simulator.sip.fields import CSeq, NameAddr, Via
from simulator.sip.framing import KeepAlivePing, Limits, MessageReader, NeedData
from simulator.sip.header_names import COMPACT_FORMS
from simulator.sip.headers import Headers
from simulator.sip.message import Message, Request, Response, content_length, parse
from simulator.sip.text import format_params, parse_params, quote, split_top_level, unquote
from simulator.sip.uri import SipUri
from simulator.sip.views import HeaderViews
from simulator.sip.views import View as HeaderView

CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "corpus" / "sip").glob("*.sip"))]
TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0189-.!%*_+`'~", min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30)
HOSTS = st.sampled_from(["contoso.com", "edge.fabrikam.test", "192.0.2.1", "[2001:db8::9]", "EDGE.Contoso.COM"])
PARAMS = st.dictionaries(TOKENS.map(str.lower), st.none() | TOKENS | TEXTS, max_size=4)
DAMAGE = [b'"', b"<", b">", b",", b";", b"=", b"\\", b"\r\n "]
LIMITS = Limits(start_line=80, header_bytes=300, header_count=8, body=50)
VIEWS = [
    *(name for name, view in vars(HeaderViews).items() if isinstance(view, HeaderView)),
    "contact", "content_type", "content_params", "content_length", "parsed_uri",
]  # fmt: skip


@st.composite
def header_lines(draw: st.DrawFn) -> bytes:
    """A header line with its CRLF, in every legal shape: blanks before the colon, folds, compact names, any byte."""
    names = st.sampled_from(["Via", "from", "TO", "Record-Route", "Supported", *sorted(set(COMPACT_FORMS) - {"l"})])
    name = draw(names | TOKENS.filter(lambda token: token.lower() != "l"))
    before = draw(st.sampled_from(["", " ", "\t "]))
    pieces = draw(st.lists(st.binary(max_size=20), min_size=1, max_size=3))
    value = b"\r\n ".join(piece.replace(b"\r", b"").replace(b"\n", b"") for piece in pieces)
    return f"{name}{before}:".encode() + value + b"\r\n"


@st.composite
def wire_messages(draw: st.DrawFn) -> bytes:
    """A whole message as it may stand in a stream."""
    start = draw(
        st.builds("{} sip:{}@{} SIP/2.0".format, TOKENS, TOKENS.map(lambda user: user.replace("%", "")), HOSTS)
        | st.builds("SIP/2.0 {} {}".format, st.integers(100, 699), TEXTS)
    )
    assume(not start.upper().startswith("SIP/2.0 SIP:"))
    body = draw(st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]) | st.binary(max_size=40))
    lines = draw(st.lists(header_lines(), max_size=6))
    length = draw(st.sampled_from(["Content-Length: ", "l:", "CONTENT-LENGTH :\t"])) + f"{len(body)}\r\n"
    lines.insert(draw(st.integers(0, len(lines))), length.encode())
    return start.encode() + b"\r\n" + b"".join(lines) + b"\r\n" + body


@st.composite
def hostile_bytes(draw: st.DrawFn) -> bytes:
    """Bytes that look like SIP often enough to get deep into the reader."""
    pieces = st.sampled_from(
        [b"\r\n", b"\r\n\r\n", b"\r", b"\n", b" ", b":", b"SIP/2.0", b"SIP/2.0 200 OK\r\n",
         b"MESSAGE sip:a@b SIP/2.0\r\n", b"l:1\r\n", b"Content-Length: 2\r\n", b"Content-Length: -1\r\n", b"l: 99\r\n",
         b"Via: SIP/2.0/TLS a\r\n", b"x" * 50, b"\xff", b"\x00"]
    )  # fmt: skip
    return b"".join(draw(st.lists(pieces | st.binary(max_size=8) | wire_messages(), max_size=12)))


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    points = sorted({0, len(data), *(point % (len(data) + 1) for point in cuts)})
    return [data[start:end] for start, end in pairwise(points)]


def read(chunks: list[bytes], limits: Limits | None = None) -> list[bytes | type | tuple[str, int]]:
    """What a reader makes of the chunks: the bytes of messages, the types of keep-alives, at last maybe an error."""
    reader = MessageReader(limits)
    seen: list[bytes | type | tuple[str, int]] = []
    for chunk in chunks:
        reader.receive_data(chunk)
        while True:
            try:
                event = reader.next_event()
            except RemoteProtocolError as error:
                assert reader.buffered == 0
                return [*seen, (error.reason, error.status_hint)]
            if isinstance(event, NeedData):
                break
            seen.append(bytes(event) if isinstance(event, Request | Response) else type(event))
    return seen


@given(hostile_bytes(), st.lists(st.integers(0, 400)))
def test_any_bytes_in_any_chunking_end_in_the_same_messages_or_one_error(data: bytes, cuts: list[int]) -> None:
    whole = read([data], LIMITS)
    broken = bool(whole) and isinstance(whole[-1], tuple)
    event(f"{sum(isinstance(one, bytes) for one in whole)} messages, broken: {broken}")
    assert read(cut(data, cuts), LIMITS) == whole
    assert read(cut(data, list(range(len(data)))), LIMITS) == whole


@given(hostile_bytes())
def test_what_a_reader_stores_is_bounded_by_its_limits(data: bytes) -> None:
    reader = MessageReader(LIMITS)
    for byte in data * 3:
        reader.receive_data(bytes([byte]))
        try:
            reader.next_event()
        except RemoteProtocolError:
            break
        assert reader.buffered <= LIMITS.start_line + LIMITS.header_bytes + LIMITS.body + 4


@given(st.lists(wire_messages() | st.just(b"\r\n\r\n"), max_size=4), st.lists(st.integers(0, 2000)))
def test_valid_messages_come_through_a_stream_byte_for_byte(wire: list[bytes], cuts: list[int]) -> None:
    expected = [KeepAlivePing if one == b"\r\n\r\n" else one for one in wire]
    assert read(cut(b"".join(wire), cuts)) == expected


@given(wire_messages())
def test_a_parsed_message_has_the_bytes_it_was_parsed_from(wire: bytes) -> None:
    message = parse(wire)
    assert bytes(message) == wire
    assert bytes(message.copy()) == wire


USUAL = st.sampled_from(
    ["SIP/2.0/TLS ", "SIP/2.0/tcp ", "a.test", "A-1.test.", "192.0.2.1", ":5061", ":65535", ":65536", ":",
     "Bob ", '"B" ', "<sip:a@b.test>", "<sips:b.test;lr>", "<sip:*>", "sip:a@b",
     ";branch=z9hG4bK1", ";branch=", ";branch", ";tag=1", ";TAG=2", ";tag=", ";tag", ";x", ";=", ";", "=1",
     '"', ",", " ", "\xa0", "\x00", "ü"]
)  # fmt: skip
"What the values of Via and From are made of."


@given(st.lists(USUAL, max_size=6).map("".join))
@example("SIP/2.0/TLS a.test:52711;branch=z9hG4bK1;x")
@example('"B" <sip:a@b.test>;tag=1;tag=2')
def test_what_is_read_in_one_match_is_read_alike_the_long_way(text: str) -> None:
    """A blank before the value sends it the long way, on which blanks are no part of it."""
    for kind, names in ((Via, "transport host port branch params"), (NameAddr, "display_name uri tag params")):
        seen: list[object] = []
        for written in (text, f" {text}"):
            try:
                value = kind.parse(written)
            except RemoteProtocolError:
                seen.append(None)
            else:
                seen.append([getattr(value, name) for name in names.split()])
        assert seen[0] == seen[1]


@given(st.data())
def test_a_damaged_message_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    wire = bytearray(data.draw(st.sampled_from(CORPUS)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(wire)))
        end = start + data.draw(st.integers(0, 3))
        wire[start:end] = data.draw(st.binary(max_size=2) | st.sampled_from(DAMAGE))
    try:
        message = parse(bytes(wire))
    except RemoteProtocolError:
        return
    assert bytes(message) == wire
    look_at_everything(message)


@given(
    st.sampled_from(["Via", "From", "To", "Contact", "CSeq", "Event", "Content-Type", "Record-Route", "Expires"]), TEXTS
)
@example("From", '"')
@example("Via", "SIP/2.0/TLS [")
def test_any_header_value_gives_a_view_or_a_protocol_error(name: str, value: str) -> None:
    look_at_everything(Request("MESSAGE", "sip:a@b", Headers([(name, value)])))


def look_at_everything(message: Message) -> None:
    for view in VIEWS:
        try:
            getattr(message, view, None)
        except RemoteProtocolError as error:
            assert str(error).isprintable()
    if isinstance(message, Request):
        response = message.respond(500, to_tag="t")
        assert bytes(parse(bytes(response))) == bytes(response)


@given(
    TOKENS,
    st.builds("sip:{}@{}".format, TOKENS.map(lambda user: user.replace("%", "")), HOSTS),
    st.lists(st.tuples(TOKENS.filter(lambda name: name.lower() not in {"l", "c"}), TEXTS), max_size=5),
    st.binary(max_size=40),
)
def test_what_is_built_reads_back(method: str, uri: str, headers: list[tuple[str, str]], body: bytes) -> None:
    built = Request.build(method, uri, headers, body, "text/plain" if body else None)
    [read_back] = read([bytes(built)])
    assert read_back == bytes(built)
    again = parse(bytes(built))
    assert isinstance(again, Request)
    assert (again.method, again.uri, again.body) == (method, uri, body)
    assert list(again.headers)[: len(headers)] == [(name, value.strip(" \t")) for name, value in headers]


@given(TEXTS, PARAMS, HOSTS)
def test_names_and_parameters_may_hold_any_character_when_quoted(
    name: str, params: dict[str, str | None], host: str
) -> None:
    text = f"{quote(name)}<sip:user@{host};lr>{format_params(params)}"
    who = NameAddr.parse(text)
    assert (who.display_name, who.params, who.uri) == (name, params, f"sip:user@{host};lr")
    via = Via.parse(f"SIP/2.0/TLS {host}:5061{format_params(params)}")
    assert (via.params, via.port, via.host) == (params, 5061, host.strip("[]"))
    assert split_top_level(f"{text} ,{text}") == [text, text]


SHORT_WAY = st.text('SIP/2.0TLS ab."<>:;=,\\09[]é\t', max_size=25)


@given(
    SHORT_WAY
    | st.builds("SIP/2.0/{} {}{}{}".format, st.sampled_from(["TLS", "TCP", "x-y"]), HOSTS | SHORT_WAY,
                st.sampled_from(["", ":5061", ":65535", ":65536", ":"]), PARAMS.map(format_params) | SHORT_WAY)
)  # fmt: skip
@example("SIP/2.0/TLS a..b")
@example("SIP/2.0/TLS .a;x")
@example("SIP/2.0/TLS a;x")
@example("SIP/2.0/TLS a.:1;X;x=1")
def test_a_via_read_the_short_way_reads_the_same_the_long_way(text: str) -> None:
    text = text.strip(" \t")
    outcomes = [outcome(Via.parse, given) for given in (text, f" {text}", f"{text}\t")]
    assert outcomes == [outcomes[0]] * 3, "blanks around it are what the short way leaves to the long one"


@given(
    SHORT_WAY
    | st.builds("{}<{}>{}".format, TEXTS.map(quote) | SHORT_WAY,
                st.builds("sip:{}@{}".format, TOKENS, HOSTS) | SHORT_WAY, PARAMS.map(format_params) | SHORT_WAY)
)  # fmt: skip
@example("a <sip:b> ;c")
@example("a <sip:b>;c")
def test_an_address_read_the_short_way_reads_the_same_the_long_way(text: str) -> None:
    text = text.strip(" \t")
    outcomes = [outcome(NameAddr.parse, given) for given in (text, f" {text}", f"{text}\t")]
    assert outcomes == [outcomes[0]] * 3


@given(st.text("0123456789 ²", max_size=12), st.sampled_from(["INVITE", "MESSAGE", "invite", "x y", ""]) | TOKENS)
def test_a_cseq_read_the_short_way_reads_the_same_the_long_way(number: str, method: str) -> None:
    number = number.strip()
    assert outcome(CSeq.parse, f"{number} {method}") == outcome(CSeq.parse, f"{number}  {method}")


@given(
    st.lists(
        st.sampled_from(["Content-Length", "l", "CONTENT-LENGTH", "X", " l", "l ", "L\t", "\r\n"])
        | st.sampled_from(
            [":", ": 5", ":5 ", ":\r\n 5", ": 5\r", ": 5\r\r", ": 5\n", ": 6", ": x", ": ²", ": 05", "5"]
        ),
        max_size=10,
    ).map(lambda pieces: "\r\n" + "".join(pieces))
)
@example("\r\nl: 5\r\nl: 6")
@example("\r\nl: 5\r\nl:\r\n 5")
@example("\r\nl: 5\r\r\nX: 1")
def test_a_length_found_without_splitting_the_lines_is_the_one_that_is_found_with_it(block: str) -> None:
    split = Headers.from_block(block)
    split.add("X-Own", "1")
    assert outcome(content_length, Headers.from_block(block)) == outcome(content_length, split)


def outcome(parse: Callable[[Any], object], given: object) -> object:
    """What `parse` makes of it; its mistakes are all the same here."""
    try:
        return parse(given)
    except RemoteProtocolError:
        return RemoteProtocolError


@given(TEXTS)
def test_unquoting_undoes_quoting(text: str) -> None:
    assert unquote(quote(text)) == text
    assert parse_params(f";a={quote(text)};b") == {"a": text, "b": None}


@given(st.text('sip:tel@[]%;?=&.<>" \\,09afAF:', max_size=25).map("sip:".__add__) | TEXTS)
def test_any_text_is_a_uri_or_a_protocol_error(text: str) -> None:
    try:
        uri = SipUri.parse(text)
    except RemoteProtocolError as error:
        assert error.status_hint in {400, 416}
        return
    assert str(uri) == text
    assert uri.matches(uri)
    assert SipUri.parse(uri.aor).aor == uri.aor


PLAIN_NAMES = st.text('abcXYZ09é"<>,;', max_size=8)
"Without backslash and blank: sipmessage 0.7 unescapes in the wrong order and joins the blanks inside quotes."
PLAIN_TOKENS = st.text("abcXYZ019-._", min_size=1, max_size=8)


@given(st.data())
def test_sipmessage_reads_the_same_where_both_accept(data: st.DataObject) -> None:
    """Another parser, written by others from the same RFC, agrees on every part."""
    draw = data.draw
    tags = st.sampled_from(["", ";tag="]).flatmap(lambda tag: PLAIN_TOKENS.map(lambda text: tag and tag + text))
    host = draw(HOSTS)
    number, method = draw(st.integers(0, 2**31 - 1)), draw(PLAIN_TOKENS)
    lines = [
        f"{method} sip:{draw(PLAIN_TOKENS)}@{host};transport=tls SIP/2.0",
        f"{draw(st.sampled_from(['Via', 'v']))}: "
        f"SIP/2.0/TLS {host}:{draw(st.integers(1, 65535))};branch={draw(PLAIN_TOKENS)};rport",
        f"Via:  SIP/2.0/TCP {host}",
        f"From: {quote(draw(PLAIN_NAMES))} <sip:{draw(PLAIN_TOKENS)}@{host};x=1>{draw(tags)}",
        f"{draw(st.sampled_from(['To', 't', 'TO']))}: <sip:{draw(PLAIN_TOKENS)}@{host}>{draw(tags)}",
        f"Call-ID: {draw(PLAIN_TOKENS)}",
        f"CSeq: {number} {method}",
        f"Max-Forwards: {draw(st.integers(0, 255))}",
        f"Contact: <sip:a@{host}>;q=0.5, <sip:b@{host};lr>",
        f"Subject: {draw(PLAIN_NAMES)}",
    ]
    wire = "\r\n".join((*lines, "", draw(PLAIN_NAMES))).encode()
    try:
        theirs = sipmessage.Message.parse(wire)
        their_from, their_via = theirs.from_address, theirs.via
    except ValueError:
        event("refused by sipmessage")
        return
    event("read by both")
    ours = parse(wire)
    assert isinstance(theirs, sipmessage.Request)
    assert isinstance(ours, Request)
    assert (ours.method, ours.body) == (theirs.method, theirs.body)
    assert (ours.parsed_uri.user, ours.parsed_uri.host) == (theirs.uri.user, theirs.uri.host.strip("[]"))
    assert [(via.transport, via.host, via.port, via.branch) for via in ours.vias] == [
        (via.transport, via.host.strip("[]"), via.port, via.parameters.get("branch")) for via in their_via
    ]
    assert ours.from_.display_name == their_from.name
    assert (ours.from_.tag, ours.to.tag) == (their_from.parameters.get("tag"), theirs.to_address.parameters.get("tag"))
    assert ours.from_.parsed_uri.user == their_from.uri.user
    assert ours.call_id == theirs.call_id
    assert ours.cseq == CSeq(theirs.cseq.sequence, theirs.cseq.method)
    assert ours.max_forwards == theirs.max_forwards
    assert [contact.parsed_uri.user for contact in ours.contacts] == [contact.uri.user for contact in theirs.contact]
