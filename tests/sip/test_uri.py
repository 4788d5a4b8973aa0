"""sip:, sips: and tel: URIs (RFC 3261 §19.1)."""

from __future__ import annotations

import pytest

from simulator.errors import RemoteProtocolError
from simulator.sip.uri import SipUri


def test_every_part_of_a_uri_is_found_and_its_text_is_kept() -> None:
    text = "sip:alice;day=mo:secret@Example.COM:5061;transport=TLS;lr;maddr=192.0.2.1?Subject=x&Priority=urgent"
    uri = SipUri.parse(text)
    assert (uri.scheme, uri.user, uri.password) == ("sip", "alice;day=mo", "secret")
    assert (uri.host, uri.domain, uri.port) == ("Example.COM", "example.com", 5061)
    assert list(uri.params.items()) == [("transport", "TLS"), ("lr", None), ("maddr", "192.0.2.1")]
    assert uri.headers == "Subject=x&Priority=urgent"
    assert (uri.transport, uri.is_loose_router) == ("tls", True)
    assert str(uri) == uri.raw == text


def test_a_gruu_is_a_uri_with_parameters_and_needs_no_port() -> None:
    uri = SipUri.parse("sip:user1@contoso.com;opaque=user:epid:hYnsEUpJhlGc0T-xd_I7vAAA;gruu")
    assert uri.params == {"opaque": "user:epid:hYnsEUpJhlGc0T-xd_I7vAAA", "gruu": None}
    assert uri.port is None
    assert uri.aor == "sip:user1@contoso.com"


@pytest.mark.parametrize(
    ("text", "aor"),
    [
        ("SIP:Alice@CONTOSO.com.:5061;lr", "sip:Alice@contoso.com"),
        ("sips:alice@contoso.com", "sips:alice@contoso.com"),
        ("sip:%61lice%40x@contoso.com", "sip:alice%40x@contoso.com"),
        ("sip:connect.fabrikam.com;transport=tls", "sip:connect.fabrikam.com"),
        ("sip:bob@[2001:DB8::9]:5061", "sip:bob@[2001:db8::9]"),
        ("tel:+15551234;phone-context=x", "tel:+15551234"),
        ("sip:alice:pw@contoso.com", "sip:alice@contoso.com"),
    ],
)
def test_the_address_of_record_says_only_whom(text: str, aor: str) -> None:
    assert SipUri.parse(text).aor == aor


def test_an_ipv6_reference_loses_its_brackets() -> None:
    uri = SipUri.parse("sip:bob@[2001:db8::9]:5070;lr")
    assert (uri.host, uri.port) == ("2001:db8::9", 5070)
    assert SipUri.parse("sip:[::ffff:192.0.2.1]").host == "::ffff:192.0.2.1"


def test_a_quoted_parameter_as_microsoft_writes_it_is_unquoted() -> None:
    assert SipUri.parse('sip:server.contoso.com;transport="tcp"').transport == "tcp"


@pytest.mark.parametrize(
    "text",
    [
        "", "sip", "sip:", "sip:@contoso.com", "sip:a@", "sip:a@b@contoso.com", "sip:a b@contoso.com",
        "sip:a@con toso.com",
        "<sip:a@contoso.com>", "sip:a@contoso.com:port", "sip:a@contoso.com:65536", "sip:a@contoso.com:",
        "sip:a@contoso.com:-1",
        "sip:a@contoso.com:٣", "sip:a@[2001:db8::9", "sip:a@[2001:db8::zz]", "sip:a@[2001:db8::9]x", "sip:a@[1:2]",
        "sip:a@[fe80::1%eth0]",
        "sip:a@conto%6fso.com", "sip:a%4@contoso.com", "sip:a@contoso.com;;lr", "sip:a@contoso.com;=x",
        "sip:a\r\n@contoso.com",
        "sip:a@münchen.test", "sip:.", "sip:a..b", "sip:.a", "tel:", "tel:;x",
    ],
)  # fmt: skip
def test_what_is_no_uri_is_refused_with_400(text: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        SipUri.parse(text)
    assert refused.value.status_hint == 400


def test_a_scheme_that_is_not_ours_is_refused_with_416() -> None:
    with pytest.raises(RemoteProtocolError, match="scheme") as refused:
        SipUri.parse("nobodyKnowsThisScheme:totallyopaquecontent")
    assert refused.value.status_hint == 416


def test_the_highest_port_is_taken_and_the_next_is_not() -> None:
    assert SipUri.parse("sip:contoso.com:65535").port == 65535
    with pytest.raises(RemoteProtocolError, match="65535"):
        SipUri.parse("sip:contoso.com:65536")


# The first list of RFC 3261 §19.1.4, with RFC 5118 §4.10 and RFC 3966 §4.
SAME = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
    ("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
     "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"),
    ("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
     "sip:alice@atlanta.com?priority=urgent&subject=project%20x"),
    ("sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0::1]"), ("sip:a@[2001:db8:::192.0.2.1]", "sip:a@[2001:db8::192.0.2.1]"),
    ("sip:a@b.test", "sip:a@B.test."), ("sip:a@b;x=%41", "sip:a@b;x=a"), ("tel:+1-201-555-0123", "tel:+1(201)5550123"),
    ("sip:a@b;opaque=user:epid:AbC;gruu", "sip:a@b;opaque=user:epid:AbC;gruu"),
]  # fmt: skip
DIFFERENT = [
    ("sip:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:a@b", "sips:a@b"), ("sip:a@b", "sip:b"), ("sip:a:p@b", "sip:a:P@b"),
    *[("sip:a@b", f"sip:a@b;{name}=1") for name in ("user", "ttl", "method", "maddr")],
    ("sip:a@b;maddr=c", "sip:a@b;maddr=d"), ("tel:+1", "tel:1"), ("sip:+1@b;user=phone", "tel:+1"),
    ("sip:a@b?x=1", "sip:a@b?x=2"), ("sip:a@b?x=1&x=1", "sip:a@b?x=1"), ("sip:a@[::1]", "sip:a@[::2]"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), SAME)
def test_uris_that_name_the_same_resource_match(one: str, two: str) -> None:
    assert SipUri.parse(one).matches(SipUri.parse(two))
    assert SipUri.parse(two).matches(SipUri.parse(one))


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_uris_that_name_different_resources_do_not_match(one: str, two: str) -> None:
    assert not SipUri.parse(one).matches(SipUri.parse(two))
    assert not SipUri.parse(two).matches(SipUri.parse(one))
    assert SipUri.parse(one).matches(SipUri.parse(one))
