"""Text for terminals and files: columns, and what a peer sent without its control characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def printable(text: str) -> str:
    """Escape control characters, so that what a peer sent cannot drive the reader's terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def aligned(rows: Iterable[Sequence[str]], alignments: str) -> list[str]:
    """Lay rows out in columns, two spaces apart; `alignments` has `<` or `>` for each column."""
    rows = list(rows)
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(len(alignments))]
    cells = [[f"{cell:{way}{width}}" for cell, way, width in zip(row, alignments, widths, strict=True)] for row in rows]
    return ["  ".join(row).rstrip() for row in cells]
