"""Texts as HTML, and what a browser would show of a peer's HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chat.html import read_html, with_line_feeds, write_html
from simulator.errors import LocalProtocolError
from simulator.strategies import chat_texts


@given(chat_texts(controls=True).filter(lambda text: "\0" not in text))
def test_what_we_write_is_what_we_read_but_for_the_kind_of_line_ends(text: str) -> None:
    assert read_html(write_html(text)) == with_line_feeds(text)


@given(chat_texts())
def test_a_line_end_is_a_tag_and_never_a_character(text: str) -> None:
    markup = write_html(text)

    assert "\n" not in markup
    assert "\r" not in markup


def test_blanks_that_a_browser_would_join_are_kept() -> None:
    assert write_html(" a  b c ").count("&nbsp;") == 4


def test_html_cannot_hold_nul() -> None:
    with pytest.raises(LocalProtocolError, match=r"U\+0000; send this text as text/plain"):
        write_html("a\0b")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("a<br>b<BR/>c", "a\nb\nc"),
        ("a<br><br>b", "a\n\nb"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("<div>a<br></div><div>b</div>", "a\nb"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<div>one   \r\n two</div>", "one two"),
        ("a <b> b</b>", "a b"),
        ("<b>bold</b><i>er</i>", "bolder"),
        ("a &nbsp;b&nbsp;", "a  b "),
        ("a&#160;\xa0b", "a\xa0\xa0b"),
        ("a&#9;&#32;&#32;b", "a\t  b"),
        ("a &amp; b &lt;c&gt; &#228; &#x263A; &#128512;", "a & b <c> ä ☺ 😀"),
        ("&amp;lt; &amp;nbsp;", "&lt; &nbsp;"),
        ("&notthere; &#; &#x; & &a", "¬there; &#; &#x; & &a"),
        ("&#xD800;&#1114112;", "\ufffd\ufffd"),
        ("<head><title>no</title></head><style>p {}</style>yes<script>no()</script>", "yes"),
        ("<SCRIPT>no</Script >yes", "yes"),
        ("<style>without end", "without end"),
        ("<!-- <b>no</b> -->yes<!-- open", "yes"),
        ("<!DOCTYPE html><?xml version='1.0'?>yes", "yes"),
        ('<img src="http://example.test/a.gif"><a href="http://example.test">link</a>', "link"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("I <3 you", "I <3 you"),
        ("tail <", "tail <"),
        ("<span style='x'>a</span", "a</span"),
        ("", ""),
    ],
)
def test_html_is_read_as_its_text(markup: str, text: str) -> None:
    assert read_html(markup) == text


@pytest.mark.parametrize("hostile", ["<a ", "</", "<?", "<a b='", "<", "&#"])
def test_markup_of_unclosed_tags_is_text(hostile: str) -> None:
    """A reader that looks for the end of each of them anew would take minutes."""
    markup = hostile * (200_000 // len(hostile))

    assert read_html(markup) == markup.strip()


@pytest.mark.parametrize("hostile", ["<!--", "<script>", "<p>", "<head>", "<div><table><tr><td>"])
def test_markup_of_unclosed_elements_has_no_text(hostile: str) -> None:
    assert read_html(hostile * (200_000 // len(hostile))) == ""


def test_an_entity_of_thousands_of_digits_is_text() -> None:
    markup = "&#" + "9" * 100_000 + ";"

    assert read_html(markup) == markup


@given(st.text(st.sampled_from("<>/!-?&;#aApbr='\" \n"), max_size=80))
def test_no_markup_makes_the_reader_fall_over(markup: str) -> None:
    read_html(markup)
