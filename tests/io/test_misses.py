"""What a failure says of the message or state that came nearest."""

from __future__ import annotations

import pytest

from simulator.io.misses import shortened, text_difference


@pytest.mark.parametrize(
    ("wanted", "got", "words"),
    [
        ("same", "same", ""),
        ("e\u0301", "é", "has the same characters, composed in another way (equal after NFC)"),
        ("ﬁ", "fi", "has the same characters, composed in another way (equal after NFKC)"),
        ("two\r\nlines", "two\nlines", "differs only in blanks and line ends"),
        ("Hello", "hello", "differs only in capital letters"),
        ("Hello", "Hell", "ends after 4 characters, where 'o' is missing"),
        ("Hell", "Hello", "goes on after 4 characters with 'o'"),
        ("Hello Bob", "Hello Alice", "has 'Alice' at character 7 instead of 'Bob'"),
    ],
)
def test_where_two_texts_differ(wanted: str, got: str, words: str) -> None:
    assert text_difference(wanted, got) == words


def test_of_a_long_text_the_beginning_and_the_length_are_shown() -> None:
    assert shortened("Grüße") == "'Grüße'"
    assert shortened("0123456789" * 500) == "'012345678901234567890123…' (5000 characters)"
