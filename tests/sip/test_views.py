"""The typed views of the rarer headers (RFC 3261 §20, RFC 3326, RFC 3581, RFC 3891, RFC 3903, RFC 4028, RFC 5923)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulator.errors import RemoteProtocolError
from simulator.sip.fields import Via
from simulator.sip.header_names import key_of
from simulator.sip.headers import Headers
from simulator.sip.message import Request
from simulator.sip.views import HeaderViews, View


def message(*lines: str) -> Request:
    return Request("INVITE", "sip:b@fabrikam.test", Headers.from_lines(lines))


VALUES: list[tuple[str, str, object]] = [
    # view, header line, the value (or its raw part) that it shows
    ("accept", "Accept: application/sdp;level=1, */*;q=0.1", ["application/sdp", "*/*"]),
    ("accept_encoding", "Accept-Encoding: gzip;q=1.0, identity", ["gzip", "identity"]),
    ("accept_language", "Accept-Language: da, en-gb;q=0.8", ["da", "en-gb"]),
    ("alert_info", "Alert-Info: <http://a.test/x.wav>;x=1", ["http://a.test/x.wav"]),
    ("allow", "Allow: INVITE, BYE,BENOTIFY", ("INVITE", "BYE", "BENOTIFY")),
    ("allow_events", "u: presence, presence.winfo", ("presence", "presence.winfo")),
    ("call_info", "Call-Info: <http://a.test/p.jpg>;purpose=icon", ["http://a.test/p.jpg"]),
    ("content_disposition", "Content-Disposition: render;handling=optional", "render"),
    ("content_encoding", "e: gzip", ("gzip",)),
    ("content_language", "Content-Language: fr, de", ("fr", "de")),
    ("date", "Date: Sat, 13 Nov 2010 23:29:00 GMT", datetime(2010, 11, 13, 23, 29, tzinfo=UTC)),
    ("endpoints", 'EndPoints: "A" <sip:a@b>, <sip:c@d>', ["sip:a@b", "sip:c@d"]),
    ("error_info", "Error-Info: <sip:x@a.test>", ["sip:x@a.test"]),
    ("history_info", "history-info: <sip:user2@fabrikam.com>;index=1", ["sip:user2@fabrikam.com"]),
    ("in_reply_to", "In-Reply-To: 1@a, 2@b", ("1@a", "2@b")),
    ("min_expires", "Min-Expires: 60", 60),
    ("mime_version", "MIME-Version: 1.0", "1.0"),
    ("ms_asserted_verification_level", "ms-asserted-verification-level: ms-source-verified-user=verified",
     {"ms-source-verified-user": "verified"}),
    ("ms_conversation_id", "Ms-Conversation-ID: AdGx", "AdGx"),
    ("ms_edge_proxy_message_trust", "ms-edge-proxy-message-trust: ms-source-type=AutoFederation;ms-ep-fqdn=l.test",
     {"ms-source-type": "AutoFederation", "ms-ep-fqdn": "l.test"}),
    ("ms_keep_alive", "ms-keep-alive: UAS; tcp=no; hop-hop=yes; timeout=300", "UAS"),
    ("ms_piggyback_cseq", "ms-piggyback-cseq: 1", 1),
    ("ms_split_domain_info", "ms-split-domain-info: ms-traffic-type=SplitIntra", {"ms-traffic-type": "SplitIntra"}),
    ("ms_subnet", "ms-subnet: 192.0.2.0", "192.0.2.0"),
    ("ms_telemetry_id", "ms-telemetry-id: 5C1D", "5C1D"),
    ("ms_user_logon_data", "ms-user-logon-data: RemoteUser", "RemoteUser"),
    ("compression", "Compression: LZ77-8K", "LZ77-8K"),
    ("organization", "Organization: Boxes, by Bob", "Boxes, by Bob"),
    ("p_asserted_identity", 'P-Asserted-Identity: "N, M"<sip:u@c.test>,<tel:+1555>', ["sip:u@c.test", "tel:+1555"]),
    ("p_preferred_identity", "P-Preferred-Identity: <sip:u@c.test>", ["sip:u@c.test"]),
    ("priority", "Priority: urgent", "urgent"),
    ("privacy", "Privacy: id;user", ("id", "user")),
    ("proxy_require", "Proxy-Require: ms-benotify", ("ms-benotify",)),
    ("refer_to", "r: <sip:x@y?Replaces=1>", "sip:x@y?Replaces=1"),
    ("referred_by", "b: <sip:x@y>;cid=1", "sip:x@y"),
    ("reply_to", "Reply-To: Bob <sip:b@c>", "sip:b@c"),
    ("require", "Require: adhoclist, categoryList", ("adhoclist", "categoryList")),
    ("roster_manager", "Roster-Manager: sip:a@b", "sip:a@b"),
    ("server", "Server: RTC/6.0", "RTC/6.0"),
    ("sip_etag", "SIP-ETag: dx200xyz", "dx200xyz"),
    ("sip_if_match", "SIP-If-Match: dx200xyz", "dx200xyz"),
    ("subject", "s: one, two", "one, two"),
    ("supported", "k: timer,100rel", ("timer", "100rel")),
    ("unsupported", "Unsupported: ms-benotify", ("ms-benotify",)),
    ("user_agent", "User-Agent: UCCAPI/16.0 (Skype, for Business)", "UCCAPI/16.0 (Skype, for Business)"),
]  # fmt: skip


def shown(value: object) -> object:
    """A value as the table writes it: an address by its URI, something with parameters by what stands before them."""
    if isinstance(value, tuple) and value and all(hasattr(element, "raw") for element in value):
        return [shown(element) for element in value]
    for part in ("uri", "name", "value"):
        if hasattr(value, part):
            return getattr(value, part)
    return value


@pytest.mark.parametrize(("view", "line", "value"), VALUES, ids=[row[0] for row in VALUES])
def test_a_header_shows_its_value_and_nothing_where_it_is_missing(view: str, line: str, value: object) -> None:
    assert shown(getattr(message(line), view)) == value
    assert getattr(message(), view) in (None, ())


def test_every_view_is_among_these_tests_or_has_its_own() -> None:
    basic = {"vias", "top_via", "from_", "to", "call_id", "cseq", "max_forwards", "contacts", "record_routes", "routes",
             "event", "subscription_state", "media_type", "expires", "essentials"}  # fmt: skip
    own = {"session_expires", "min_se", "reasons", "warnings", "retry_after", "timestamp", "replaces", "ms_diagnostics",
           "ms_diagnostics_public", "ms_client_diagnostics", "ms_text_format", "ms_im_formats", "authorization",
           "authentication_info", "proxy_authenticate", "proxy_authorization", "www_authenticate"}  # fmt: skip
    views = {name for name, view in vars(HeaderViews).items() if isinstance(view, View)}
    assert views == basic | own | {view for view, _, _ in VALUES}


@pytest.mark.parametrize("more", [(), ("Supported: a", "Supported: b")], ids=["each once", "one twice"])
@pytest.mark.parametrize("gone", ["Via", "From", "To", "Call-ID", "CSeq", None])
def test_the_essentials_are_what_their_views_say(gone: str | None, more: tuple[str, ...]) -> None:
    names = ("top_via", "from_", "to", "call_id", "cseq", "max_forwards")
    lines = ["Via: SIP/2.0/TLS a.test;branch=z9hG4bK1, SIP/2.0/TLS b.test", "f: <sip:a@a.test>;tag=1", "To:<sip:b@b>",
             "i: 1\r\n ", "CSeq: 1 MESSAGE", "Max-Forwards: 7", *more]  # fmt: skip
    headers = Headers.from_lines([line for line in lines if gone is None or key_of(line.split(":")[0]) != gone.lower()])
    together, alone = Request("MESSAGE", "sip:b@b.test", headers), Request("MESSAGE", "sip:b@b.test", headers.copy())
    if gone is None:
        assert together.essentials == tuple(getattr(alone, name) for name in names)
        assert together.from_ is together.essentials.from_
        together.headers.set("Max-Forwards", "6")
        assert together.essentials.max_forwards == together.max_forwards == 6
        together.headers.add("To", "<sip:c@c.test>")
    with pytest.raises(RemoteProtocolError, match=f"no {gone}" if gone else "to stands 2 times"):
        _ = together.essentials


def test_values_of_several_lines_are_one_list() -> None:
    many = message("Supported: timer", "Subject: x", "k: ms-sender,", "SUPPORTED: histinfo")
    assert many.supported == ("timer", "ms-sender", "histinfo")


@pytest.mark.parametrize(
    ("view", "line"),
    [
        ("allow", "Allow: IN VITE"), ("accept", "Accept: text"), ("date", "Date: Sat, 13 Nov 2010 23:29:00 CET"),
        ("date", "Date: Sat, 31 Feb 2010 23:29:00 GMT"), ("date", "Date: Sat, 13 Nov 2010 24:29:00 GMT"),
        ("min_expires", "Min-Expires: -1"), ("priority", "Priority: a b"), ("privacy", "Privacy: id;;user"),
        ("session_expires", "x: 90;refresher=me"), ("session_expires", "x: ;refresher=uac"), ("min_se", "Min-SE: x"),
        ("retry_after", "Retry-After: soon"), ("retry_after", "Retry-After: 5 )x("),
        ("retry_after", "Retry-After: 5 (x) y"),
        ("retry_after", "Retry-After: 5;duration=x"), ("retry_after", "Retry-After: 949302838503028349304023988"),
        ("warnings", "Warning: 399 agent unquoted"), ("warnings", 'Warning: 1812 a "b"'),
        ("warnings", 'Warning: 399 "b"'),
        ("warnings", 'Warning: 399 a "b" c'), ("reasons", "Reason: ;cause=1"), ("reasons", "Reason: SIP;cause=x"),
        ("replaces", "Replaces: 1;to-tag=2"), ("replaces", "Replaces: ;to-tag=2;from-tag=3"),
        ("timestamp", "Timestamp: now"), ("timestamp", "Timestamp: 1 2 3"), ("timestamp", "Timestamp: ."),
        ("timestamp", "Timestamp: inf"), ("authorization", "Authorization: NTLM a"),
        ("ms_text_format", "ms-text-format: text/plain; ms-body=c"), ("ms_text_format", "ms-text-format: text"),
        ("ms_im_formats", "ms-im-format: text/plain; ms-body=ü"),
        ("ms_im_formats", "ms-im-format: text/plain; ms-body=cX!dl"), ("ms_piggyback_cseq", "ms-piggyback-cseq: one"),
        ("sip_etag", "SIP-ETag: a b"), ("subject", "Subject: one\r\nSubject: two"), ("in_reply_to", "In-Reply-To: a b"),
    ],
)  # fmt: skip
def test_a_malformed_value_is_the_senders_mistake(view: str, line: str) -> None:
    with pytest.raises(RemoteProtocolError):
        getattr(message(*line.split("\r\n")), view)


def test_a_session_timer_says_who_refreshes() -> None:
    timer = message("x: 1800;refresher=UAC;a=b", "Min-SE: 90").session_expires
    assert timer is not None
    assert (timer.seconds, timer.refresher, timer.params["a"]) == (1800, "uac", "b")
    least = message("Min-SE: 90").min_se
    assert least is not None
    assert (least.seconds, least.refresher) == (90, None)


def test_a_retry_after_has_a_comment_with_any_text() -> None:
    retry = message("Retry-After: 120 (I'm in a (short); meeting);duration=3600").retry_after
    assert retry is not None
    assert (retry.seconds, retry.comment, retry.duration) == (120, "I'm in a (short); meeting", 3600)
    plain = message("Retry-After: 18000;duration=3600").retry_after
    assert plain is not None
    assert (plain.seconds, plain.comment, plain.duration) == (18000, "", 3600)


def test_warnings_are_split_at_commas_outside_of_their_texts() -> None:
    warnings = message('Warning: 309 c.test:5061 "a, \\"b\\"", 399 - "c"').warnings
    assert [(one.code, one.agent, one.text) for one in warnings] == [(309, "c.test:5061", 'a, "b"'), (399, "-", "c")]


def test_reasons_name_protocol_cause_and_text() -> None:
    reasons = message('Reason: SIP;cause=200;text="Call completed elsewhere", Q.850 ;cause=16', "Reason: x").reasons
    assert [(one.protocol, one.cause, one.text) for one in reasons] == [
        ("SIP", 200, "Call completed elsewhere"), ("Q.850", 16, None), ("x", None, None)
    ]  # fmt: skip


def test_replaces_names_a_dialog() -> None:
    assert message("Replaces: 1@a;from-tag=f;to-tag=t;early-only").replaces == ("1@a", "t", "f", True)


def test_a_timestamp_may_tell_a_delay() -> None:
    assert message("Timestamp: 54.1 .5").timestamp == (54.1, 0.5)
    assert message("Timestamp: 54").timestamp == (54.0, None)


def test_credentials_keep_their_commas_together() -> None:
    line = 'NTLM qop="auth, int", realm="SIP \\"Communications\\"", opaque=5A,targetname="a.test"'
    for name in ("Authorization", "Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate"):
        view = name.lower().replace("-", "_")
        [one, other] = getattr(message(f"{name}: {line}", f"{name}: TLS-DSK a=1"), view)
        assert (one.scheme, one.params["qop"], one.params["realm"]) == ("NTLM", "auth, int", 'SIP "Communications"')
        assert list(one.params) == ["qop", "realm", "opaque", "targetname"]
        assert (other.scheme, other.params) == ("TLS-DSK", {"a": "1"})
    [bare] = message('Authentication-Info: nextnonce="47", qop=auth').authentication_info
    assert (bare.scheme, bare.params) == ("", {"nextnonce": "47", "qop": "auth"})


@pytest.mark.parametrize(
    ("value", "code", "reason", "source"),
    [
        ('1008;reason="Unable to resolve DNS SRV record";source="sip.contoso.com"', 1008,
         "Unable to resolve DNS SRV record", "sip.contoso.com"),
        ('4005.2; source="a"; Count="1"; reason="b, c"', 4005, "b, c", "a"),
        ('52035; reason="x";', 52035, "x", None),
        ('1008;reason="never closed', 1008, None, None), ("garbage", None, None, None), ("", None, None, None),
        ("9" * 5000, None, None, None), (";;", None, None, None),
    ],
)  # fmt: skip
def test_diagnostics_are_read_as_far_as_possible_and_never_refused(
    value: str, code: int | None, reason: str | None, source: str | None
) -> None:
    for name in ("ms-diagnostics", "ms-diagnostics-public", "Ms-client-diagnostics"):
        stacked = message(f"{name}: {value}", f"{name}: 1;reason=x")
        one, other = getattr(stacked, name.lower().replace("-", "_"))
        assert (one.code, one.reason, one.source, one.raw) == (code, reason, source, value)
        assert (other.code, other.reason) == (1, "x")


def test_the_first_message_of_a_chat_is_carried_by_its_invite() -> None:
    invite = message(
        "ms-text-format: text/plain; charset=UTF-8; ms-body=cXdl",
        "ms-im-format: text/html; charset=UTF-8; ms-body=PGI+",
        "ms-im-format: text/rtf; charset=UTF-8; x=a,b; ms-body=e1x9fQ",
    )
    assert invite.ms_text_format is not None
    assert (invite.ms_text_format.media_type.name, invite.ms_text_format.body) == ("text/plain", b"qwe")
    assert [(one.media_type.name, one.body) for one in invite.ms_im_formats] == [
        ("text/html", b"<b>"), ("text/rtf", b"{\\}}")
    ]  # fmt: skip
    answer = message("ms-text-format: text/plain").ms_text_format
    assert answer is not None
    assert answer.body is None


def test_of_several_vias_the_top_one_is_read_alone() -> None:
    many = message('Via: SIP/2.0/TLS a.test;x="1,2";branch=b1, SIP/2.0/TLS nonsense here')
    assert (many.top_via.host, many.top_via.branch, many.top_via.params["x"]) == ("a.test", "b1", "1,2")
    with pytest.raises(RemoteProtocolError):
        _ = many.vias


def test_the_request_uri_is_read_again_when_it_was_changed() -> None:
    request = message()
    assert request.parsed_uri is request.parsed_uri
    request.uri = "sip:other@fabrikam.test"
    assert request.parsed_uri.user == "other"


def test_a_via_tells_where_its_request_came_from() -> None:
    via = Via.parse("SIP/2.0/TLS a.test;rport=5061;received=[2001:db8::1];alias")
    assert (via.received, via.rport, via.asks_for_rport, via.alias) == ("2001:db8::1", 5061, False, True)
    asking = Via.parse("SIP/2.0/TLS a.test;rport;received=192.0.2.1")
    assert (asking.received, asking.rport, asking.asks_for_rport, asking.alias) == ("192.0.2.1", None, True, False)
    plain = Via.parse("SIP/2.0/TLS a.test")
    assert (plain.received, plain.rport, plain.asks_for_rport, plain.alias) == (None, None, False, False)
    with pytest.raises(RemoteProtocolError):
        _ = Via.parse("SIP/2.0/TLS a.test;rport=x").rport


def test_a_message_that_nobody_may_send_is_built_by_saying_so() -> None:
    headers = Headers.unchecked(["Via: SIP/2.0/TLS", "From bob", "Content-Length: -5"])
    assert bytes(Request("IN VITE", "<sip:b>", headers, b"x", version="SIP/7.0")) == (
        b"IN VITE <sip:b> SIP/7.0\r\nVia: SIP/2.0/TLS\r\nFrom bob\r\nContent-Length: -5\r\n\r\nx"
    )
