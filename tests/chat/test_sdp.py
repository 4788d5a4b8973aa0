"""Session descriptions of IM sessions, ours and those that Skype for Business and others send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chat.sdp import MAX_BYTES, ImDescription, ImRefusal, im_offer, parse_im_sdp
from simulator.errors import LocalProtocolError, RemoteProtocolError

SKYPE_OFFER = (
    b"v=0\r\no=- 0 0 IN IP4 192.0.2.57\r\ns=session\r\nc=IN IP4 192.0.2.57\r\nt=0 0\r\n"
    b"m=message 5060 sip null\r\n"
    b"a=accept-types:text/plain multipart/alternative image/gif text/rtf text/html application/x-ms-ink "
    b"application/ms-imdn+xml text/x-msmsgsinvite \r\n"
)


def sdp(*media: str) -> bytes:
    return "\r\n".join(["v=0", "o=- 0 0 IN IP4 192.0.2.57", "s=session", "t=0 0", *media, ""]).encode()


def test_our_offer_is_written_as_skype_for_business_writes_it() -> None:
    assert im_offer("192.0.2.57", accept_types=["text/plain", "text/html"]) == (
        b"v=0\r\no=- 0 0 IN IP4 192.0.2.57\r\ns=session\r\nc=IN IP4 192.0.2.57\r\nt=0 0\r\n"
        b"m=message 5060 sip null\r\na=accept-types:text/plain text/html\r\n"
    )


def test_our_answer_has_our_own_uri() -> None:
    answer = im_offer("2001:db8::1", own_uri="sip:bob@fabrikam.test")

    assert b"c=IN IP6 2001:db8::1\r\n" in answer
    assert b"m=message 5060 sip sip:bob@fabrikam.test\r\n" in answer


def test_the_offer_of_skype_for_business_is_understood() -> None:
    offer = parse_im_sdp(SKYPE_OFFER)

    assert isinstance(offer, ImDescription)
    assert (offer.media, offer.uri) == ("message", None)
    assert len(offer.accept_types) == 8
    assert offer.accepts("text/plain")
    assert offer.accepts("TEXT/HTML")
    assert not offer.accepts("application/im-iscomposing+xml")


TYPES = st.from_regex(r"[a-z]{1,8}/[a-z0-9.+-]{1,12}", fullmatch=True)


@given(
    st.ip_addresses(),
    st.lists(TYPES, min_size=1, max_size=5),
    st.none() | st.from_regex(r"sip:[a-z]{1,9}@[a-z]{1,9}\.test", fullmatch=True),
    st.sampled_from(["message", "x-ms-message"]),
)
def test_what_we_write_is_what_we_read(address: object, types: list[str], uri: str | None, media: str) -> None:
    body = im_offer(str(address), accept_types=types, own_uri=uri, media=media)

    assert parse_im_sdp(body) == ImDescription(tuple(types), uri, media)


@pytest.mark.parametrize(
    ("types", "media_type", "accepted"),
    [
        ("a=accept-types:*", "text/plain", True),
        ("a=accept-types:text/*", "text/plain", True),
        ("a=accept-types:text/*", "image/gif", False),
        ("a=Accept-Types: TEXT/PLAIN", "text/plain", True),
        ("a=accept-types:text/plain", "text/html", False),
        ("b=AS:1", "text/plain", True),
    ],
)
def test_a_type_is_accepted_as_the_peer_says(types: str, media_type: str, accepted: bool) -> None:
    description = parse_im_sdp(sdp("m=message 5060 sip null", types))

    assert isinstance(description, ImDescription)
    assert description.accepts(media_type) is accepted


def test_bare_line_feeds_and_blanks_at_line_ends_are_tolerated() -> None:
    assert parse_im_sdp(SKYPE_OFFER.replace(b"\r\n", b" \n")) == parse_im_sdp(SKYPE_OFFER)


@pytest.mark.parametrize(
    ("media", "words"),
    [
        (["m=audio 50000 RTP/AVP 0"], "offers audio"),
        (["m=message 5060 sip null", "m=video 50000 RTP/AVP 34"], "offers video"),
        (["m=applicationsharing 50000 TCP/RTP/AVP 127", "m=data 1 RTP/AVP 127"], "applicationsharing, data"),
        (["m=message 5060 sip null", "m=message 5060 sip null"], "several message media"),
        (["m=message 7654 TCP/MSRP *"], "over TCP/MSRP"),
        ([], "no medium"),
    ],
)
def test_a_session_that_is_no_chat_is_refused_with_the_reason(media: list[str], words: str) -> None:
    refusal = parse_im_sdp(sdp(*media))

    assert isinstance(refusal, ImRefusal)
    assert words in refusal.reason
    assert refusal.status == 488
    assert refusal.media == tuple(line[2:].split()[0] for line in media)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"\r\n \r\n", "empty"),
        (b"s=session\r\nv=0\r\n", "begins with the line v=0"),
        (b"v=0\r\nhello\r\n", "'hello' is no line"),
        (b"v=0\r\nm=message 5060\r\n", "media line needs"),
        (b"v=0\r\ns=\xff\r\n", "not UTF-8"),
    ],
)
def test_what_is_no_session_description_is_an_error_of_the_peer(body: bytes, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as caught:
        parse_im_sdp(body)
    assert caught.value.status_hint == 400


def test_a_description_over_the_limit_is_refused_unread() -> None:
    largest = SKYPE_OFFER + b"i=" + b"x" * (MAX_BYTES - len(SKYPE_OFFER) - 2)
    assert isinstance(parse_im_sdp(largest), ImDescription)

    with pytest.raises(RemoteProtocolError, match="over the limit") as caught:
        parse_im_sdp(largest + b"x")
    assert caught.value.status_hint == 413


@pytest.mark.parametrize(
    "make",
    [
        lambda: im_offer("sip.fabrikam.test"),
        lambda: im_offer("127.0.0.1", own_uri="sip:b@x\r\nm=audio 1 RTP/AVP 0"),
        lambda: im_offer("127.0.0.1", accept_types=["text/plain\r\n"]),
        lambda: im_offer("127.0.0.1", accept_types=["text/plain text/html"]),
        lambda: im_offer("127.0.0.1", own_uri=""),
    ],
)
def test_values_that_would_break_the_lines_are_our_own_mistake(make: object) -> None:
    with pytest.raises(LocalProtocolError):
        make()  # type: ignore[operator]


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: SKYPE_OFFER + tail))
def test_no_bytes_make_the_parser_fall_over(body: bytes) -> None:
    try:
        result = parse_im_sdp(body)
    except RemoteProtocolError:
        return
    assert isinstance(result, ImDescription | ImRefusal)
