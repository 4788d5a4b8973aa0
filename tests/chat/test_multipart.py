"""Bodies of several parts, as we write them and as peers do."""

from __future__ import annotations

import email

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chat.multipart import MAX_PARTS, Part, read_multipart, write_multipart
from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.fields import MediaType
from simulator.strategies import chat_texts

HEADERS = st.tuples(
    st.from_regex(r"X-[A-Za-z]{1,8}", fullmatch=True), st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)
)
PARTS = st.builds(
    Part,
    st.sampled_from(["text/plain; charset=UTF-8", "image/gif"]),
    st.binary(max_size=200),
    st.lists(HEADERS, max_size=2).map(tuple),
)


@settings(deadline=None)
@given(
    st.lists(PARTS, min_size=1, max_size=MAX_PARTS),
    st.sampled_from(["8bit", "binary", "base64", "quoted-printable"]),
    st.sampled_from(["alternative", "mixed"]),
)
def test_what_we_write_is_what_we_read(parts: list[Part], encoding: str, subtype: str) -> None:
    content_type, body = write_multipart(parts, subtype=subtype, encoding=encoding)  # type: ignore[arg-type]
    media_type = MediaType.parse(content_type)

    assert media_type.name == f"multipart/{subtype}"
    assert read_multipart(media_type, body) == parts


@settings(deadline=None)
@given(st.lists(chat_texts(), min_size=1, max_size=4), st.sampled_from(["8bit", "base64", "quoted-printable"]))
def test_the_mail_reader_of_the_standard_library_reads_the_same(texts: list[str], encoding: str) -> None:
    parts = [Part("text/plain; charset=UTF-8", text.encode()) for text in texts]
    content_type, body = write_multipart(parts, encoding=encoding)  # type: ignore[arg-type]

    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    payloads = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
    assert payloads == [part.content for part in parts]


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_part_has_short_lines_of_ascii(encoding: str) -> None:
    _, body = write_multipart([Part("text/plain", "äöü ".encode() * 100)], encoding=encoding)  # type: ignore[arg-type]

    assert body.isascii()
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert max(map(len, body.split(b"\r\n"))) <= 76


def test_the_boundary_stands_in_no_part() -> None:
    parts = [Part("text/plain", b"------=_NextPart_000\r\n------=_NextPart_001--")]
    content_type, body = write_multipart(parts)

    assert content_type == 'multipart/alternative; boundary="----=_NextPart_002"'
    assert read_multipart(MediaType.parse(content_type), body) == parts


def test_a_boundary_may_be_given() -> None:
    content_type, body = write_multipart([Part("text/plain", b"a")], boundary="b1")

    assert content_type == 'multipart/alternative; boundary="b1"'
    assert body.startswith(b"--b1\r\n")
    assert body.endswith(b"\r\n--b1--\r\n")


@pytest.mark.parametrize(
    ("part", "arguments"),
    [
        (Part("text/plain", "ä".encode()), {"encoding": "7bit"}),
        (Part("text/plain", b"a"), {"encoding": "uuencode"}),
        (Part("text/plain", b"a--b1"), {"boundary": "b1"}),
        (Part("text/plain", b"a"), {"boundary": 'b"1'}),
        (Part("text/plain", b"a"), {"boundary": "b" * 71}),
        (Part("text/plain\r\nX: y", b"a"), {}),
        (Part("text/plain", b"a", (("X", "y\nz"),)), {}),
    ],
)
def test_what_does_not_fit_is_our_own_mistake(part: Part, arguments: dict[str, str]) -> None:
    with pytest.raises(LocalProtocolError):
        write_multipart([part], **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, MAX_PARTS + 1])
def test_a_body_has_parts_and_not_too_many(count: int) -> None:
    with pytest.raises(LocalProtocolError, match="1 to 20 parts"):
        write_multipart([Part("text/plain", b"a")] * count)


def test_nested_bodies_are_parts_and_are_not_opened() -> None:
    content_type, body = write_multipart([Part("text/plain", b"a")])
    for _ in range(500):
        content_type, body = write_multipart([Part(content_type, body)])

    (part,) = read_multipart(MediaType.parse(content_type), body)
    assert part.content_type.startswith("multipart/alternative")


@pytest.mark.parametrize("piece", [b"\r\n", b"\n", b"--b", b"\r\n--bx", b"a:b\r\n", b"\r\n--b\r\n", b"\r\n--b "])
def test_a_large_body_takes_time_in_proportion(piece: bytes) -> None:
    """A reader that looks for the boundary or the blank line anew from every place would take minutes."""
    try:
        read_multipart(
            MediaType.parse("multipart/mixed;boundary=b"), b"--b\r\n" + piece * (1_000_000 // len(piece)) + b"\r\n--b--"
        )
    except RemoteProtocolError as error:
        assert error.status_hint == 400


@given(st.lists(st.sampled_from([b"--b", b"--", b"\r\n", b"\n", b"a: b", b" ", b"Content-Type:", b"\xff", b"base64"])))
def test_no_bytes_make_the_reader_fall_over(pieces: list[bytes]) -> None:
    try:
        read_multipart(MediaType.parse("multipart/mixed;boundary=b"), b"".join(pieces))
    except RemoteProtocolError as error:
        assert error.status_hint in (400, 415)
