r"""Texts as RTF, and what a person would read in the RTF of a peer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chat.html import with_line_feeds
from simulator.chat.rtf import MAX_DEPTH, read_rtf, write_rtf
from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.strategies import chat_texts


def rtf(inside: str) -> bytes:
    return b"{\\rtf1\\ansi " + inside.encode("latin-1") + b"}"


@given(chat_texts(controls=True))
def test_what_we_write_is_what_we_read_but_for_the_kind_of_line_ends(text: str) -> None:
    assert read_rtf(write_rtf(text)) == with_line_feeds(text)


def test_our_document_begins_and_ends_as_one_of_lync_does() -> None:
    document = write_rtf("qwe")

    assert document.startswith(rb"{\rtf1\fbidis\ansi")
    assert document.endswith(rb"qwe\par" + b"\r\n" + rb"{\*\lyncflags<rtf=1>}}")


@given(chat_texts())
def test_our_document_is_ascii(text: str) -> None:
    assert write_rtf(text).isascii()


def test_half_a_surrogate_pair_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError, match=r"U\+D83D at index 1"):
        write_rtf("a\ud83d")


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("plain", "plain"),
        ("a\\par b\\par", "a\nb"),
        ("a\\par b", "a\nb"),
        ("a\\line b\\par\r\n", "a\nb"),
        ("a\\\r\nb", "a\nb"),
        ("a\r\nb", "ab"),
        ("a\\tab b", "a\tb"),
        ("a\\b0 bold\\b0  two", "abold two"),
        ("\\{a\\}\\\\", "{a}\\"),
        ("\\u233?", "é"),
        ("\\u-10179?\\u-8704?", "😀"),
        ("\\u55357?\\u56832?", "😀"),
        ("\\u128512?", "😀"),
        ("\\uc0\\u8364 5", "€5"),
        ("\\uc2\\u8364\\'80\\'80 5", "€ 5"),
        ("{\\uc0\\u233 }\\u233?!", "éé!"),
        ("\\u8364\\'80!", "€!"),
        ("\\u8364{}?", "€?"),
        ("\\u8364\\par !", "€!"),
        ("\\'e4\\'80", "ä€"),
        ("\xe4", "ä"),
        ("\\ansicpg1251\\'c0", "А"),
        ("\\pc\\'81", "ü"),
        ("\\mac\\'8a", "ä"),
        ("\\ansicpg65001\\'c3\\'a4", "ä"),
        ("\\deff0{\\fonttbl{\\f0\\fcharset204 Arial;}}\\'c0", "А"),
        ("{\\fonttbl{\\f0\\fcharset0 A;}{\\f1\\fcharset128 B;}}\\f1 \\'82\\'a0\\f0 \\'e4", "あä"),
        ("{\\fonttbl{\\f1\\fcharset128 B;}}{\\f1 \\'83A}\\'e4", "アä"),
        ("{\\colortbl;\\red0;}{\\stylesheet{\\s0 Normal;}}{\\info{\\title no}}yes", "yes"),
        ("{\\*\\unheard of}{\\*\\lyncflags<rtf=1>}yes", "yes"),
        ("{\\*\r\n\\unheard of}yes", "yes"),
        ("{\\info\\u233?}{\\v\\u233?}yes", "yes"),
        ("\\u8364\\~!", "€!"),
        ("\\uc9\\u8364 six", "€"),
        ("{\\unheard of}", "of"),
        ("a{\\v hidden}b\\v no\\v0 c\\v no\\plain d", "abcd"),
        ('{\\field{\\*\\fldinst HYPERLINK "http://example.test"}{\\fldrslt link}}', "link"),
        ("{\\pict\\wmetafile8 00ff}yes{\\bin3 }}}!}", "yes!"),
        ("\\lquote a\\rquote\\~\\_\\-\\emdash\\bullet", "‘a’\xa0\u2011\xad—•"),
        ("\\rtlpar\\rtlch \\u1513?", "ש"),
        ("", ""),
    ],
)
def test_rtf_is_read_as_its_text(inside: str, text: str) -> None:
    assert read_rtf(rtf(inside)) == text


def test_bytes_beyond_ascii_are_in_the_charset_of_the_content_type() -> None:
    assert read_rtf("{\\rtf1 ä😀}".encode(), "utf-8") == "ä😀"


@pytest.mark.parametrize("tail", [b"\r\n", b"\0", b" \r\n\0"])
def test_what_clients_leave_behind_the_document_is_skipped(tail: bytes) -> None:
    assert read_rtf(rtf("a") + tail) == "a"


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (b"", 400),
        (b"plain", 400),
        (b"{\\rtf1 open", 400),
        (b"{\\rtf1 a}b", 400),
        (b"{\\rtf1 a}}", 400),
        (b"{\\rtf1 a\\", 400),
        (b"{\\rtf1 \\'4}", 400),
        (b"{\\rtf1 \\bin9 ab}", 400),
        (rtf("\\u-10179?"), 400),
        (rtf("\\u-10179? \\u-8704?"), 400),
        (rtf("\\u-8704?"), 400),
        (rtf("\\u-10179?\\'41"), 400),
        (rtf("\\u-10179?\\u65?"), 400),
        (rtf("\\u1114112?"), 400),
        (rtf("\\u?"), 400),
        (rtf("\\'81"), 400),
        (rtf("\\ansicpg4711\\'e4"), 415),
        (rtf("{" * MAX_DEPTH + "}" * MAX_DEPTH), 400),
    ],
)
def test_what_is_no_document_is_an_error_of_the_peer(document: bytes, status: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_rtf(document)
    assert caught.value.status_hint == status


def test_groups_as_deep_as_allowed_are_read() -> None:
    assert read_rtf(rtf("{" * (MAX_DEPTH - 1) + "a" + "}" * (MAX_DEPTH - 1))) == "a"


@pytest.mark.parametrize("piece", ["\\u65?", "\\'41", "{A}", "\\f0 A", "A\r\n", "\\b A", "{\\*\\x y}A"])
def test_a_large_document_takes_time_in_proportion(piece: str) -> None:
    """A reader that copies the rest at every token would take minutes."""
    count = 500_000 // len(piece)

    assert read_rtf(rtf(piece * count)) == "A" * count


PIECES = [
    "{",
    "}",
    "\\",
    "'",
    "\\u",
    "\\'8",
    "\\uc",
    "\\*",
    "\\bin",
    "a",
    "9",
    "?",
    "-",
    "\r\n",
    "\x80",
    "\\par",
    "\\f1",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)))
def test_no_document_makes_the_reader_fall_over(pieces: list[str]) -> None:
    try:
        read_rtf(b"{\\rtf1" + "".join(pieces).encode("latin-1") + b"}").encode()
    except RemoteProtocolError as error:
        assert error.status_hint in (400, 415)
