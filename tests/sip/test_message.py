"""Requests and responses, parsed and built (RFC 3261 §7, §8.2.6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.fields import CSeq, NameAddr
from simulator.sip.framing import MessageReader
from simulator.sip.headers import Headers
from simulator.sip.message import REASONS, Request, Response, parse

CORPUS = sorted((Path(__file__).parent.parent / "corpus" / "sip").glob("*.sip"))


MINIMUM = b"Via: SIP/2.0/TLS c\r\nFrom: <sip:a@b>\r\nTo: <sip:d@e>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE"
"What a message needs."


def corpus(name: str) -> Request | Response:
    return parse((CORPUS[0].parent / f"{name}.sip").read_bytes())


def request(*lines: str, body: bytes = b"", start: str = "MESSAGE sip:b@fabrikam.test SIP/2.0") -> Request:
    message = parse("\r\n".join((start, *lines, "\r\n")).encode() + body)
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
class TestTheCorpus:
    def test_comes_back_byte_for_byte(self, path: Path) -> None:
        assert bytes(parse(path.read_bytes())) == path.read_bytes()

    def test_is_complete_and_well_formed(self, path: Path) -> None:
        message = parse(path.read_bytes())
        message.validate()
        for via in message.vias:
            assert via.host
        for route in message.record_routes:
            assert NameAddr.parse(route).parsed_uri.is_loose_router
        assert message.content_length == len(message.body)
        assert [message.contacts, message.event, message.subscription_state, message.media_type, message.expires]

    def test_reads_the_same_from_a_stream(self, path: Path) -> None:
        reader = MessageReader()
        reader.receive_data(path.read_bytes())
        message = reader.next_event()
        assert isinstance(message, Request | Response)
        assert bytes(message) == path.read_bytes()

    def test_stays_the_same_when_copied_and_the_copy_changed(self, path: Path) -> None:
        message = parse(path.read_bytes())
        copy = message.copy()
        assert copy == message
        copy.headers.prepend("Via", "SIP/2.0/TLS proxy.test;branch=z9hG4bK1")
        assert copy.top_via.host == "proxy.test"
        assert bytes(message) == path.read_bytes()


def test_there_is_a_corpus() -> None:
    assert len(CORPUS) >= 10


class TestViews:
    def test_an_s4b_invite_shows_its_typed_headers(self) -> None:
        invite = corpus("invite-im")
        assert isinstance(invite, Request)
        assert invite.method == invite.cseq.method == "INVITE"
        assert [via.branch for via in invite.vias] == ["z9hG4bK2DA3892F.D0429AA14DA5C5DB", None]
        assert invite.top_via is invite.top_via, "a view is made once"
        assert (invite.from_.display_name, invite.from_.tag) == ("User One", "9d5c2a38ba")
        assert invite.to.tag is None
        assert invite.call_id == "ce878a8bc0ca4c769ca729bc2f56a998"
        assert invite.contact is not None
        assert invite.contact.parsed_uri.params["gruu"] is None
        assert (invite.max_forwards, invite.content_type, invite.content_params) == (69, "application/sdp", {})
        assert len(invite.headers.values("Supported")) == 8
        assert invite.headers.get("Subject") == "Тема разговора"
        assert invite.parsed_uri.aor == "sip:user2@fabrikam.com"

    def test_record_routes_are_raw_in_order_and_split_on_top_level_commas_only(self) -> None:
        first = (
            "<sip:a.test;transport=tls;lr;ms-key-info=" + "jACAAPo9w-" * 35 + ";ms-route-sig=bkBv,oY>;ms-rrsig=x;tag=A9"
        )
        second, third = '"n, m" <sip:b.test;lr>;x="1,2"', "<sip:c.test;LR=on>"
        message = request(f"Record-Route:  {first} ,{second}", "Route: <sip:r.test;lr>", f"record-route: {third}")
        assert message.record_routes == (first, second, third)
        assert message.routes == ("<sip:r.test;lr>",)

    def test_folded_and_compact_headers_read_like_any_other(self) -> None:
        message = corpus("compact-and-folded")
        assert [via.host for via in message.vias] == ["2001:db8::10", "192.0.2.1"]
        assert message.from_.display_name == 'A "quoted", <name>; with: all'
        assert message.from_.tag == "x1"
        assert message.cseq == CSeq(7, "MESSAGE")
        assert [contact.display_name for contact in message.contacts] == ["Last, First", ""]
        assert message.headers.get("Subject") == "first line second line"
        assert (message.max_forwards, message.content_type, message.body) == (70, "text/plain", b"hi")

    def test_negotiate_with_max_forwards_0_and_no_branch_is_complete(self) -> None:
        message = corpus("negotiate")
        message.validate()
        assert (message.max_forwards, message.top_via.branch) == (0, None)

    def test_a_benotify_tells_event_state_and_the_type_of_its_parts(self) -> None:
        message = corpus("benotify-rlmi")
        assert message.event is not None
        assert message.event.package == "presence"
        assert message.subscription_state is not None
        assert (message.subscription_state.state, message.subscription_state.expires) == ("terminated", 0)
        assert message.subscription_state.reason == "deactivated"
        assert message.content_params["type"] == "application/rlmi+xml"

    def test_what_may_be_absent_is_none(self) -> None:
        message = request()
        assert (message.contact, message.contacts, message.vias) == (None, [], [])
        assert (message.max_forwards, message.expires, message.event, message.subscription_state) == (None,) * 4
        assert (message.content_type, message.content_params, message.content_length) == (None, {}, None)
        assert (message.record_routes, message.routes) == ((), ())

    @pytest.mark.parametrize("view", ["top_via", "from_", "to", "call_id", "cseq"])
    def test_what_must_be_there_is_missed(self, view: str) -> None:
        with pytest.raises(RemoteProtocolError, match="there is no"):
            getattr(request(), view)

    @pytest.mark.parametrize(
        ("view", "line"),
        [
            ("top_via", "Via: SIP/2.0/TLS"), ("vias", "Via: SIP/2.0/TLS a, b"), ("top_via", "Via:"),
            ("from_", "From: <sip:a"),
            ("to", "To: x"), ("call_id", "Call-ID: a b"), ("call_id", "Call-ID:"), ("cseq", "CSeq: x MESSAGE"),
            ("contact", "Contact: x"),
            ("max_forwards", "Max-Forwards: 256"), ("max_forwards", "Max-Forwards: -1"),
            ("expires", "Expires: 4294967296"),
            ("expires", "Expires: soon"), ("event", "Event: "),
            ("subscription_state", "subscription-state: active;expires=x"),
            ("content_type", "Content-Type: text"), ("content_params", "c: text/plain;"),
            ("record_routes", "Record-Route: <sip:a,<b"),
            ("routes", 'Route: "a,b'),
        ],
    )  # fmt: skip
    def test_a_malformed_header_is_the_senders_mistake(self, view: str, line: str) -> None:
        with pytest.raises(RemoteProtocolError):
            getattr(request(line), view)

    @pytest.mark.parametrize(
        ("view", "line"),
        [
            ("from_", "From: <sip:a@b>"), ("to", "t: <sip:a@b>"), ("call_id", "i: 1"), ("cseq", "CSeq: 1 MESSAGE"),
            ("event", "o: presence"),
            ("max_forwards", "Max-Forwards: 70"), ("expires", "Expires: 1"), ("content_type", "c: text/plain"),
            ("subscription_state", "Subscription-State: active"),
        ],
    )  # fmt: skip
    def test_two_of_what_may_stand_once_are_refused(self, view: str, line: str) -> None:
        getattr(request(line), view)
        with pytest.raises(RemoteProtocolError, match="2 times"):
            getattr(request(line, line.upper()), view)

    def test_views_follow_a_change_of_the_headers(self) -> None:
        message = request("To: <sip:a@b>")
        assert message.to.tag is None
        message.headers.set("To", "<sip:a@b>;tag=1")
        assert message.to.tag == "1"


class TestValidate:
    LINES = ("Via: SIP/2.0/TLS a", "From: <sip:a@b>;tag=1", "To: <sip:c@d>", "Call-ID: 1", "CSeq: 1 MESSAGE")

    def test_five_headers_are_enough(self) -> None:
        request(*self.LINES).validate()

    @pytest.mark.parametrize("missing", range(5))
    def test_none_of_them_may_be_missing(self, missing: int) -> None:
        with pytest.raises(RemoteProtocolError):
            request(*self.LINES[:missing], *self.LINES[missing + 1 :]).validate()

    def test_the_cseq_must_name_the_method(self) -> None:
        with pytest.raises(RemoteProtocolError, match="CSeq names MESSAGE"):
            request(*self.LINES, start="INVITE sip:c@d SIP/2.0").validate()

    def test_a_malformed_max_forwards_counts(self) -> None:
        with pytest.raises(RemoteProtocolError, match="Max-Forwards"):
            request(*self.LINES, "Max-Forwards: many").validate()


class TestParse:
    @pytest.mark.parametrize(
        "start",
        [
            "", "MESSAGE", "MESSAGE SIP/2.0", "MESSAGE  SIP/2.0", "MESSAGE sip:a@b", "MESSAGE sip:a@b HTTP/1.1",
            "GET / HTTP/1.1",
            "MESSAGE  sip:a@b SIP/2.0", "MESSAGE sip:a@b  SIP/2.0", "MESSAGE sip:a@b SIP/2.0 ",
            "MESSAGE <sip:a@b> SIP/2.0",
            "MESSAGE sip:a b@c SIP/2.0", "MES(SAGE sip:a@b SIP/2.0", "MESSAGE\tsip:a@b\tSIP/2.0", "SIP/2.0 200",
            "SIP/2.0 20 OK",
            "SIP/2.0 2000 OK", "SIP/2.0 099 OK", "SIP/2.0 700 OK", "SIP/2.0 2x0 OK", "SIP/2.0 ²00 OK", "SIP/x 200 OK",
            " MESSAGE sip:a@b SIP/2.0",
        ],
    )  # fmt: skip
    def test_a_malformed_first_line_is_refused_with_400(self, start: str) -> None:
        with pytest.raises(RemoteProtocolError) as refused:
            parse(start.encode() + b"\r\n\r\n")
        assert refused.value.status_hint == 400

    @pytest.mark.parametrize("start", ["OPTIONS sip:a@b SIP/7.0", "SIP/3.0 200 OK"])
    def test_another_version_is_refused_with_505(self, start: str) -> None:
        with pytest.raises(RemoteProtocolError) as refused:
            parse(start.encode() + b"\r\n\r\n")
        assert refused.value.status_hint == 505

    @pytest.mark.parametrize(
        "data",
        [
            b"sip/2.0 504 Server time-out\r\n\r\n",
            b"SIP/2.0 200 \r\n\r\n",
            b"SIP/2.0 200 = 2**3 * 5**2 \xff\xd0\r\n\r\n",
            b"!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)@h SIP/2.0\r\n\r\n",
            b"NEWMETHOD tel:+1555 sip/2.0\r\nSubject: \xff\xfe\x00\r\n\r\n",
            b"MESSAGE sip:a@b SIP/2.0\r\nl :  3 \r\nx:\r\n\r\n\r\n\r",
        ],
    )
    def test_unusual_messages_come_back_byte_for_byte(self, data: bytes) -> None:
        assert bytes(parse(data)) == data

    @pytest.mark.parametrize("status", [100, 699])
    def test_status_codes_reach_from_100_to_699(self, status: int) -> None:
        response = parse(f"SIP/2.0 {status} x y\r\n\r\n".encode())
        assert isinstance(response, Response)
        assert (response.status, response.reason, response.is_final) == (status, "x y", status > 199)

    @pytest.mark.parametrize(
        "head",
        [
            b"X: a\nY: b",
            b"X: a\rY: b",
            b"X: a\n\nY: b",
            b"X: a\r\r\nY: b",
            b"X",
            b"To",
            b"X a",
            b"X y: b",
            b" X: folded\r\nY: b",
        ],
    )
    def test_a_line_that_is_no_header_is_kept_and_refused_by_validate(self, head: bytes) -> None:
        complete = b"MESSAGE sip:a@b SIP/2.0\r\n" + MINIMUM + b"\r\n\r\n"
        parse(complete).validate()
        wire = complete.replace(b"\r\n", b"\r\n" + head + b"\r\n", 1)
        message = parse(wire)
        assert bytes(message) == bytes(message.copy()) == wire
        assert message.to.uri == "sip:d@e", "what stands beside it can be read"
        with pytest.raises(RemoteProtocolError):
            message.validate()

    def test_a_line_with_a_break_of_its_own_is_copied_into_no_response(self) -> None:
        message = parse(b"MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS a\nX: y\r\nTo\r\n" + MINIMUM + b"\r\n\r\n")
        assert isinstance(message, Request)
        assert message.top_via.host == "c"
        response = message.respond(400)
        response.validate()
        assert bytes(response).count(b"\n") == bytes(response).count(b"\r\n") == len(response.headers) + 2

    @pytest.mark.parametrize("reason", [b"O\rK", b"O\nK", b"\n"])
    def test_a_status_line_is_one_line(self, reason: bytes) -> None:
        with pytest.raises(RemoteProtocolError, match="status line"):
            parse(b"SIP/2.0 200 " + reason + b"\r\nX: y\r\n\r\n")

    def test_a_length_is_read_in_no_line_but_its_own(self) -> None:
        with pytest.raises(RemoteProtocolError):
            request("X: a\nContent-Length: 1", "l: 2", "Y: b\nl: 1", body=b"ab").validate()
        assert request("X: a\r\n l: 1", "Content-Length:\r\n\t2", body=b"ab").content_length == 2
        with pytest.raises(RemoteProtocolError):
            request("l: 2", "Content-Length: \r\n 1", body=b"ab")
        assert request("l: 2\r3", body=b"ab").content_length is None

    def test_without_content_length_the_rest_is_the_body(self) -> None:
        assert request("X: y", body=b"\r\n\r\nrest").body == b"\r\n\r\nrest"

    @pytest.mark.parametrize("length", ["1", "3", "-2", "2x", "", "2\r\nl: 3"])
    def test_a_length_that_is_not_the_bodys_is_refused(self, length: str) -> None:
        with pytest.raises(RemoteProtocolError):
            request(f"Content-Length: {length}", body=b"ab")

    def test_the_same_length_twice_is_refused(self) -> None:
        with pytest.raises(RemoteProtocolError, match="more than one Content-Length"):
            request("Content-Length: 2", "l: 02", body=b"ab")

    def test_a_head_that_never_ends_is_refused(self) -> None:
        with pytest.raises(RemoteProtocolError, match="empty line"):
            parse(b"MESSAGE sip:a@b SIP/2.0\r\nX: y\r\n")


class TestBuild:
    def test_a_request_has_its_headers_in_order_and_then_its_length(self) -> None:
        headers = [("Via", "SIP/2.0/TLS a"), ("To", "<sip:b@c>"), ("X-Own", "Grüße")]
        built = Request.build("MESSAGE", "sip:b@c", headers, b"hi", "text/plain")
        assert bytes(built).decode() == (
            "MESSAGE sip:b@c SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nTo: <sip:b@c>\r\nX-Own: Grüße\r\n"
            "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"
        )
        assert parse(bytes(built)) == built

    def test_without_a_body_the_length_is_still_written(self) -> None:
        assert bytes(Request.build("BYE", "sip:b@c")) == b"BYE sip:b@c SIP/2.0\r\nContent-Length: 0\r\n\r\n"

    @pytest.mark.parametrize(
        ("method", "uri", "headers"),
        [
            ("BAD METHOD", "sip:a@b", []), ("BYE\r\n", "sip:a@b", []), ("", "sip:a@b", []), ("BYE", "", []),
            ("BYE", "sip:a b", []),
            ("BYE", "sip:a\r\nX: y", []), ("BYE", "<sip:a@b>", []), ("BYE", "sip:\ud800@b", []),
            ("BYE", "sip:a@b", [("X", "a\r\nb")]),
            ("BYE", "sip:a@b", [("X Y", "a")]), ("BYE", "sip:a@b", [("Content-Length", "0")]),
            ("BYE", "sip:a@b", [("l", "0")]),
        ],
    )  # fmt: skip
    def test_nothing_malformed_is_built(self, method: str, uri: str, headers: list[tuple[str, str]]) -> None:
        with pytest.raises(LocalProtocolError):
            Request.build(method, uri, headers)

    def test_a_body_needs_exactly_one_content_type(self) -> None:
        with pytest.raises(LocalProtocolError, match="needs a Content-Type"):
            Request.build("MESSAGE", "sip:a@b", body=b"x")
        with pytest.raises(LocalProtocolError, match="twice"):
            Request.build("MESSAGE", "sip:a@b", [("c", "text/html")], b"x", "text/plain")
        assert Request.build("MESSAGE", "sip:a@b", [("c", "text/html")], b"x").content_type == "text/html"

    def test_a_new_body_brings_its_length_and_type(self) -> None:
        message = Request.build("MESSAGE", "sip:a@b", [("To", "<sip:a@b>")])
        with pytest.raises(LocalProtocolError, match="needs a Content-Type"):
            message.set_body(b"abc")
        assert (message.body, message.content_length) == (b"", 0)
        message.set_body(b"abc", "text/plain")
        assert (message.content_length, message.content_type) == (3, "text/plain")
        message.set_body(b"abcd")
        assert (message.content_length, message.content_type) == (4, "text/plain")
        message.set_body(b"")
        assert (message.content_length, message.content_type) == (0, None)
        assert parse(bytes(message)) == message


class TestRespond:
    def test_a_response_echoes_what_identifies_the_request_byte_for_byte(self) -> None:
        message = corpus("options-capitals")
        assert isinstance(message, Request)
        lines = message.headers.lines
        response = message.respond(200, to_tag="abc", headers=[("Server", "RTC/6.0")])
        assert response.start_line == "SIP/2.0 200 OK"
        assert response.headers.lines == (
            lines[0], lines[1] + ";tag=abc", lines[2], lines[3], lines[5], "Server: RTC/6.0", "Content-Length: 0"
        )  # fmt: skip
        assert message.to.tag is None, "the request itself is untouched"

    def test_all_vias_are_echoed_also_those_without_branch_and_folded_ones(self) -> None:
        for name in ("invite-im", "compact-and-folded"):
            message = corpus(name)
            assert isinstance(message, Request)
            response = message.respond(404)
            assert [line for line in response.headers.lines if line[:1] in "Vv"] == [
                line for line in message.headers.lines if line[:1] in "Vv"
            ]
            assert response.vias == message.vias

    def test_a_tag_that_is_there_already_stays(self) -> None:
        message = corpus("message-in-dialog")
        assert isinstance(message, Request)
        assert message.respond(200, to_tag="other").headers.get_all("To") == message.headers.get_all("To")

    def test_a_tag_is_appended_to_a_bare_and_to_a_folded_to(self) -> None:
        for lines in (("To: sip:a@b",), ("To: <sip:a@b>", " ;x=y")):
            response = request(*lines).respond(200, to_tag="t1")
            assert response.to.tag == "t1"
            assert parse(bytes(response)) == response

    @pytest.mark.parametrize(
        ("method", "status", "copied"),
        [
            ("INVITE", 100, False), ("INVITE", 101, True), ("INVITE", 180, True), ("INVITE", 200, True),
            ("INVITE", 299, True),
            ("INVITE", 300, False), ("INVITE", 486, False), ("SUBSCRIBE", 200, True), ("SUBSCRIBE", 489, False),
            ("NOTIFY", 200, True),
            ("REFER", 202, True), ("MESSAGE", 200, False), ("BYE", 200, False), ("OPTIONS", 200, False),
        ],
    )  # fmt: skip
    def test_record_routes_return_where_a_dialog_is_made(self, method: str, status: int, copied: bool) -> None:
        routes = ["Record-Route: <sip:a;lr;ms-route-sig=x,y>", "rEcord-route:<sip:b;lr> , <sip:c;lr>"]
        message = request(*routes, start=f"{method} sip:a@b SIP/2.0")
        response = message.respond(status)
        assert response.record_routes == (message.record_routes if copied else ())

    def test_only_a_100_echoes_the_timestamp(self) -> None:
        message = request("Timestamp: 54")
        assert message.respond(100).headers.get("Timestamp") == "54"
        assert "Timestamp" not in message.respond(180).headers

    def test_the_reason_is_the_usual_one_unless_given(self) -> None:
        message = request()
        assert message.respond(504, "Server time-out").start_line == "SIP/2.0 504 Server time-out"
        assert message.respond(404).reason == REASONS[404] == "Not Found"
        assert message.respond(299).start_line == "SIP/2.0 299 "
        assert message.respond(404, "").start_line == "SIP/2.0 404 "

    def test_a_body_comes_with_type_and_length(self) -> None:
        response = request("l: 0", "c: text/html").respond(200, body=b"<x/>", content_type="application/xml")
        assert (response.content_type, response.content_length, response.body) == ("application/xml", 4, b"<x/>")

    def test_even_a_broken_request_can_be_answered(self) -> None:
        message = request("Via: nonsense", "To: <sip:broken", "To: twice", "CSeq: x", "From: <sip:a@b>")
        response = message.respond(400, to_tag="t")
        assert response.headers.lines[:5] == message.headers.lines

    @pytest.mark.parametrize(
        ("status", "reason", "tag"), [(99, "x", "t"), (700, "x", "t"), (200, "a\r\nb", "t"), (200, "x", "a b")]
    )
    def test_nothing_malformed_is_answered(self, status: int, reason: str, tag: str) -> None:
        with pytest.raises(LocalProtocolError):
            request("To: <sip:a@b>").respond(status, reason, to_tag=tag)


def test_messages_compare_by_their_bytes_and_print_briefly() -> None:
    one, other = request("X: y"), request("X:  y")
    assert one == request("X: y")
    assert one != other
    assert one != "a text"
    assert repr(one) == "<MESSAGE sip:b@fabrikam.test SIP/2.0, 1 headers, 0 bytes of body>"
    assert Request("BYE", "sip:a@b", Headers()).start_line == "BYE sip:a@b SIP/2.0"
