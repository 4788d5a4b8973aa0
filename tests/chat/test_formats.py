"""The forms of a chat text: each carries every text, and the peer's accept-types decide which is taken."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chat.font import FontHint
from simulator.chat.formats import (
    ALTERNATIVES,
    FORMATS,
    HTML_TEXT,
    PLAIN_TEXT,
    RTF_TEXT,
    TEXTS,
    TextFormat,
    accepts,
    choose,
    format_named,
)
from simulator.chat.html import with_line_feeds
from simulator.chat.text import MAX_BYTES, decode_body, encode, read_body
from simulator.errors import ConfigurationError, LocalProtocolError, RemoteProtocolError
from simulator.strategies import chat_texts

LYNC = ("text/plain", "multipart/alternative", "image/gif", "text/rtf", "text/html", "application/x-ms-ink")
"The accept-types of Skype for Business (dialect facts §4.1)."

UNICODE = {
    "emoji": "👩‍👩‍👧‍👦 👍🏽 🇩🇪 ☺\ufe0f",
    "right to left": "שלום مرحبا \u202eabc\u202c",
    "composed": unicodedata.normalize("NFC", "Ångström é"),
    "decomposed": unicodedata.normalize("NFD", "Ångström é"),
    "lines": "one\ntwo\n\nfour\n",
    "blanks": "  two  and one ",
    "markup": "<b>&amp;</b> {\\rtf1\\par} \\'e4 --=_NextPart_000",
    "100 kB": "aä😀\n" * 13_000,
    "empty": "",
}


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("text", UNICODE.values(), ids=UNICODE)
def test_every_form_carries_every_kind_of_text(text: str, form: TextFormat) -> None:
    assert decode_body(*encode(text, form)) == text


@settings(deadline=None)
@given(
    chat_texts(),
    st.sampled_from(["8bit", "binary", "base64", "quoted-printable"]),
    st.permutations(TEXTS),
    st.integers(2, 3),
)
def test_each_alternative_says_the_same(text: str, encoding: str, order: list[str], count: int) -> None:
    content_type, body = encode(text, TextFormat(tuple(order[:count]), encoding=encoding))  # type: ignore[arg-type]

    for media_type in order[:count]:
        read = read_body(content_type, body, prefer=[media_type])
        assert read.media_type == media_type
        assert read.offered == tuple(order[:count])
        assert read.text == (text if media_type == "text/plain" else with_line_feeds(text))


@given(chat_texts(controls=True))
def test_plain_text_carries_every_character_as_it_is(text: str) -> None:
    assert decode_body(*encode(text)) == text


def test_plain_text_and_rtf_carry_nul_and_html_refuses_it() -> None:
    assert decode_body(*encode("a\0b")) == "a\0b"
    assert decode_body(*encode("a\0b", RTF_TEXT)) == "a\0b"
    with pytest.raises(LocalProtocolError, match="text/plain"):
        encode("a\0b", ALTERNATIVES)


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("text", ["\ud83d", "a\ude00", "\ude00\ud83d"])
def test_half_a_surrogate_pair_is_our_own_mistake_in_every_form(text: str, form: TextFormat) -> None:
    with pytest.raises(LocalProtocolError, match=r"half a surrogate pair .* write the whole character instead"):
        encode(text, form)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=UTF-8", b"\xed\xa0\xbd"),
        ("text/html; charset=UTF-8", b"\xed\xb8\x80"),
        ("text/plain; charset=utf-16-le", b"\x3d\xd8"),
        ("text/rtf", b"{\\rtf1 \\u-10179?}"),
        ("text/rtf; charset=UTF-8", b"{\\rtf1 \xed\xa0\xbd}"),
    ],
)
def test_half_a_surrogate_pair_of_a_peer_is_a_bad_request(content_type: str, body: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_body(content_type, body)
    assert caught.value.status_hint == 400


def test_a_text_as_large_as_skype_for_business_takes_is_read_and_a_larger_one_is_not() -> None:
    assert len(decode_body("text/plain", b"a" * MAX_BYTES)) == MAX_BYTES

    with pytest.raises(RemoteProtocolError, match="over the limit") as caught:
        decode_body("text/plain", b"a" * (MAX_BYTES + 1))
    assert caught.value.status_hint == 413


def test_the_font_hint_travels_with_the_plain_text() -> None:
    hint = FontHint("MS Shell Dlg", "BI", "ff0000", "a1", "22")

    content_type, body = encode("a", PLAIN_TEXT.but(font=hint))
    assert content_type.startswith("text/plain; charset=UTF-8;msgr=")
    assert read_body(content_type, body).font == hint

    assert read_body(*encode("a", ALTERNATIVES.but(font=hint))).font == hint
    assert read_body(*encode("a", HTML_TEXT.but(font=hint))).font is None


@pytest.mark.parametrize(
    ("types", "media_type", "accepted"),
    [
        ((), "text/plain", True),
        (("*",), "text/plain", True),
        (("*/*",), "text/plain", True),
        (("text/*",), "TEXT/Plain", True),
        (("text/*",), "textual/plain", False),
        (("text/plain",), "text/html", False),
    ],
)
def test_the_accept_types_decide_what_is_accepted(types: tuple[str, ...], media_type: str, accepted: bool) -> None:
    assert accepts(types, media_type) is accepted


@pytest.mark.parametrize(
    ("types", "preferences", "chosen"),
    [
        (LYNC, [ALTERNATIVES, PLAIN_TEXT], ALTERNATIVES),
        (("text/plain",), [ALTERNATIVES, RTF_TEXT, PLAIN_TEXT], PLAIN_TEXT),
        (("multipart/alternative",), [ALTERNATIVES, PLAIN_TEXT], None),
        (("multipart/alternative", "text/html"), [ALTERNATIVES], ALTERNATIVES),
        (("text/html", "text/rtf"), [RTF_TEXT, HTML_TEXT], RTF_TEXT),
        (("text/html", "text/rtf"), [PLAIN_TEXT], None),
        ((), [HTML_TEXT], HTML_TEXT),
        (LYNC, [], None),
    ],
)
def test_the_first_preference_that_the_peer_takes_is_chosen(
    types: tuple[str, ...], preferences: list[TextFormat], chosen: TextFormat | None
) -> None:
    assert choose(types, preferences) == chosen


def test_a_format_has_a_name() -> None:
    assert format_named("html") is HTML_TEXT

    with pytest.raises(ConfigurationError, match="there is no 'word'; there are: plain, plain\\+font, html"):
        format_named("word")


@pytest.mark.parametrize("media_types", [(), ("image/gif",), ("text/plain", "multipart/alternative")])
def test_a_format_of_what_is_no_text_is_refused(media_types: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="is no choice of text/plain, text/html, text/rtf"):
        TextFormat(media_types)
