"""Text of strangers, made safe and measured for a terminal: nothing moves the cursor, nothing hides."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

MAX_MARKS = 2
"Combining marks on one character; what goes beyond is written out, because heaps of them run over the lines above."


def escape(text: str, *, ascii_only: bool = False) -> str:
    r"""`text` with every character that does not print written out: `\n`, `\x1b`, `\u202e`; a backslash stays itself.

    Bytes that were no UTF-8 (lone surrogates, PEP 383) appear as the byte, `\xff`.
    """
    shown = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        plain = character.isascii() if ascii_only else marks <= MAX_MARKS
        shown.append(character if plain and character.isprintable() else _written_out(character))
    return "".join(shown)


def cells(text: str) -> list[str]:
    """One entry per terminal column: an empty one follows a wide character, a combining mark joins its base."""
    row: list[str] = []
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
            if row:
                row[-1 if row[-1] else -2] += character
            continue
        row.append(character)
        if unicodedata.east_asian_width(character) in ("W", "F"):
            row.append("")
    return row


def cut(row: Sequence[str], width: int, mark: str = "…") -> list[str]:
    """At most `width` columns; what is longer ends with `mark`."""
    if len(row) <= width:
        return list(row)
    keep = max(0, width - len(mark))
    kept = list(row[:keep])
    if kept and keep < len(row) and row[keep] == "":
        kept[-1] = " "  # the second half of a wide character would be missing
    return (kept + list(mark))[:width]


def wrap(row: Sequence[str], width: int, *, lines: int, mark: str = "…") -> list[list[str]]:
    """Break at blanks into at most `lines` rows of at most `width` columns; the last one is cut if need be."""
    rest = list(row)
    rows: list[list[str]] = []
    while len(rest) > width and len(rows) < lines - 1:
        at = next((index for index in range(width, 0, -1) if rest[index] == " "), width - (rest[width] == ""))
        rows.append(rest[:at])
        rest = rest[at:]
        while rest and rest[0] == " ":
            rest.pop(0)
    return [*rows, cut(rest, width, mark)]


def _written_out(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in known:
        return known[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
