"""The text that a person would read in the body of a MESSAGE."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chat.multipart import MAX_PARTS
from simulator.chat.text import decode_body, encode
from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.fields import MediaType

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def alternatives(*parts: bytes, boundary: str = "b1") -> tuple[str, bytes]:
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return f'multipart/alternative; boundary="{boundary}"', body + b"--" + boundary.encode() + b"--\r\n"


@given(TEXTS)
def test_what_we_encode_is_what_we_decode(text: str) -> None:
    content_type, body = encode(text)

    assert decode_body(content_type, body) == text


def test_our_text_is_utf_8_and_says_so() -> None:
    assert encode("Grüße") == ("text/plain; charset=UTF-8", "Grüße".encode())


def test_half_a_surrogate_pair_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        encode("\ud83d")


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=UTF-8;msgr=WAAtAE0ATQBTAC0A", b"/call us2", "/call us2"),
        ('TEXT/Plain ; Charset="utf-8"', "ä".encode(), "ä"),
        ("text/plain", "ä".encode(), "ä"),
        (None, "ä".encode(), "ä"),
        ("text/plain;charset=iso-8859-1", b"\xe4", "ä"),
        ("text/plain;charset=windows-1252", b"\x80", "€"),
        ("text/plain;charset=utf-16", "ä".encode("utf-16"), "ä"),
        ("text/plain", b"", ""),
        ("text/html; charset=UTF-8", b"<DIV>a &lt; b</DIV>", "a < b"),
    ],
)
def test_a_body_is_read_in_its_charset(content_type: str | None, body: bytes, text: str) -> None:
    assert decode_body(content_type, body) == text


def test_a_parsed_content_type_will_do() -> None:
    assert decode_body(MediaType.parse("text/plain;charset=latin1"), b"\xe4") == "ä"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain; charset=UTF-8", b"\xff", 400),
        ("text/plain; charset=us-ascii", b"\xe4", 400),
        ("text/plain; charset=utf-16", b"\xff\xfea", 400),
        ("text/plain; charset=klingon", b"a", 415),
        ("text/plain; charset=unicode_escape", b"a", 415),
        ("text/plain; charset=hex", b"61", 415),
        ('text/plain; charset="\0"', b"a", 415),
        ("text/rtf", b"{\\rt1}", 400),
        ("application/x-ms-ink", b"", 415),
        ("nonsense", b"", 400),
    ],
)
def test_a_body_that_cannot_be_read_is_an_error_of_the_peer(content_type: str, body: bytes, status: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_body(content_type, body)
    assert caught.value.status_hint == status


def test_the_plain_alternative_is_taken_wherever_it_stands() -> None:
    content_type, body = alternatives(
        b"Content-Type: text/html\r\n\r\n<b>rich</b>",
        b"Content-Type: text/plain; charset=UTF-8;msgr=WAAt\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain",
        b"Content-Type: text/rtf\r\n\r\n{\\rtf1}",
    )

    assert decode_body(content_type, body) == "plain"


def test_html_is_taken_where_no_alternative_is_plain() -> None:
    content_type, body = alternatives(
        b"Content-Type: text/rtf\r\n\r\n{}", b"Content-Type: text/html\r\n\r\n<p>rich</p>"
    )

    assert decode_body(content_type, body) == "rich"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (
            b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"a\r\nb"),
            "a\r\nb",
        ),
        (b"content-type: text/plain\r\ncontent-transfer-encoding: QUOTED-PRINTABLE\r\n\r\n=C3=A4=\r\n!", "ä!"),
        (b"Content-Type: text/plain;\r\n charset=iso-8859-1\r\n\r\n\xe4", "ä"),
        (b"\r\nno headers at all", "no headers at all"),
        (b"Content-Type: text/plain\r\n\r\n--b12 is no boundary", "--b12 is no boundary"),
        (b"Content-Type: text/plain\n\nbare line feeds", "bare line feeds"),
        (b"Content-Type: text/plain\r\n\r\n", ""),
        (b"Content-Type: text/plain\r\n\r\na\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"),
    ],
)
def test_a_part_is_read_with_its_own_headers(part: bytes, text: str) -> None:
    assert decode_body(*alternatives(part)) == text


def test_text_around_the_parts_is_skipped() -> None:
    content_type, body = alternatives(b"Content-Type: text/plain\r\n\r\nplain")

    assert decode_body(content_type, b"preamble\r\n" + body + b"epilogue\r\n--b1\r\n\r\nno part") == "plain"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/alternative", b"--b1\r\n\r\na\r\n--b1--", 400),
        ("multipart/alternative; boundary=b1", b"no parts", 400),
        ("multipart/alternative; boundary=b1", b"--b1\r\nContent-Type: text/plain\r\n--b1--", 400),
        (*alternatives(*[b"\r\na"] * (MAX_PARTS + 1)), 400),
        (*alternatives(b"Content-Type: image/gif\r\n\r\n{}"), 415),
        (*alternatives(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\na"), 415),
        (*alternatives(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nabcde"), 400),
        (*alternatives(b"Content-Type: text/plain; charset=UTF-8\r\n\r\n\xff"), 400),
        (*alternatives(b"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\na\r\n--c--"), 415),
    ],
)
def test_alternatives_that_cannot_be_read_are_an_error_of_the_peer(content_type: str, body: bytes, status: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_body(content_type, body)
    assert caught.value.status_hint == status


def test_as_many_parts_as_allowed_are_read() -> None:
    assert decode_body(*alternatives(*[b"\r\na"] * MAX_PARTS)) == "a"


@given(st.binary(max_size=200), st.sampled_from(["text/plain", "text/html", "multipart/alternative;boundary=b"]))
def test_no_bytes_make_the_decoder_fall_over(body: bytes, content_type: str) -> None:
    try:
        decode_body(content_type, body.replace(b"|", b"\r\n--b\r\n"))
    except RemoteProtocolError:
        return
