"""Untrusted text in a terminal: escaped, measured in columns, cut and wrapped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.evidence.visible import cells, cut, escape, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Grüße, 日本", "Grüße, 日本"),
        ("a\r\n\tb", r"a\r\n\tb"),
        ("\x1b[31m\x07\x7f\x9b", r"\x1b[31m\x07\x7f\x9b"),
        ("\u202egnp.exe\u2066\u200b", r"\u202egnp.exe\u2066\u200b"),
        ("\ufeff\u2028\U000e0001", r"\ufeff\u2028\U000e0001"),
        (b"\x80\xff".decode("utf-8", "surrogateescape"), r"\x80\xff"),
        ("\ud800", r"\ud800"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 4, "e\u0301\u0301" + r"\u0301\u0301"),
        ("C:\\new", "C:\\new"),
    ],
)
def test_what_does_not_print_is_written_out(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_for_an_ascii_console_everything_else_is_written_out() -> None:
    assert escape("Grüße 日 👍", ascii_only=True) == r"Gr\xfc\xdfe \u65e5 \U0001f44d"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", ["a", "b", "c"]),
        ("日a", ["日", "", "a"]),
        ("👍", ["👍", ""]),
        ("e\u0301x", ["e\u0301", "x"]),
        ("日\u0301x", ["日\u0301", "", "x"]),
        ("\u0301x", ["x"]),
    ],
)
def test_a_text_takes_one_cell_a_column(text: str, columns: list[str]) -> None:
    assert cells(text) == columns


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("日本語", 4, "日 …"),
        ("日本語", 5, "日本…"),
        ("abc", 0, ""),
    ],
)
def test_what_is_too_long_is_cut_with_an_ellipsis(text: str, width: int, shown: str) -> None:
    assert "".join(cut(cells(text), width)) == shown
    assert len(cut(cells(text), width)) <= width


def test_the_mark_of_a_cut_may_be_longer_than_one_column() -> None:
    assert "".join(cut(cells("abcdefg"), 6, "...")) == "abc..."
    assert "".join(cut(cells("abcdefg"), 2, "...")) == ".."


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("short", ["short"]),
        ("two words", ["two", "words"]),
        ("exactly8 exactly8", ["exactly8", "exactly8"]),
        ("unbreakable", ["unbreaka", "ble"]),
        ("日本日本日本", ["日本日本", "日本"]),
        ("a日本日本日本", ["a日本日", "本日本"]),
        ("one two three four five six", ["one two", "three", "four fi…"]),
    ],
)
def test_a_sentence_is_wrapped_at_its_blanks(text: str, rows: list[str]) -> None:
    assert ["".join(row) for row in wrap(cells(text), 8, lines=3)] == rows


@given(st.text(max_size=120), st.integers(4, 40), st.integers(1, 5))
def test_no_row_is_wider_than_allowed(text: str, width: int, lines: int) -> None:
    rows = wrap(cells(escape(text)), width, lines=lines)

    assert 1 <= len(rows) <= lines
    for row in rows:
        assert len(row) <= width
        assert cells("".join(row)) == row, "no wide character is torn apart"
