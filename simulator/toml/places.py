"""On which line of a TOML text each key and array element stands, which `tomllib` does not tell."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]
'Keys, and the indexes of arrays from 0: `("routes", 1, "port")`.'

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}\n#]+")


def lines(text: str) -> dict[Path, int]:
    """The line, counted from 1, of every key and element of a TOML text that `tomllib` has read without error."""
    return _Scanner(text).document()


def line_of(places: dict[Path, int], path: Path) -> int | None:
    """The line of `path`, or of the innermost table around it that stands in the text."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return None


def spell(path: Path) -> str:
    """`("routes", 1, "port")` as people write it: `routes[1].port`."""
    spelled = ""
    for part in path:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", part) is not None
            spelled += ("." if spelled else "") + (part if bare else ascii(part))
    return spelled


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._places: dict[Path, int] = {}
        self._table_counts: dict[Path, int] = {}

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip_blank() < len(self._text):
            if self._text.startswith("[[", self._at):
                table = self._array_header()
            elif self._text[self._at] == "[":
                self._at += 1
                table = self._within((), self._key())
                self._at += 1
            else:
                self._pair(table)
        return self._places

    def _array_header(self) -> Path:
        line = self._line()
        self._at += 2
        *outer, last = self._key()
        self._at += 2
        array = (*self._within((), outer), last)
        index = self._table_counts.get(array, 0)
        self._table_counts[array] = index + 1
        self._places.setdefault(array, line)
        self._places[(*array, index)] = line
        return (*array, index)

    def _within(self, start: Path, keys: list[str]) -> Path:
        """Go down from `start`, noting each table on the way; the last element of an array of tables is meant."""
        path = start
        for key in keys:
            path = (*path, key)
            self._places.setdefault(path, self._line())
            if path in self._table_counts:
                path = (*path, self._table_counts[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        path = self._within(table, self._key())
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip_blank()
        opening = self._text[self._at]
        if opening == "[":
            self._items(path, "]")
        elif opening == "{":
            self._items(path, "}")
        else:
            match = (_STRING if opening in "\"'" else _SCALAR).match(self._text, self._at)
            assert match is not None, "the text is TOML"
            self._at = match.end()

    def _items(self, path: Path, closing: str) -> None:
        """An array or an inline table, from its opening bracket to behind its closing one."""
        self._at += 1
        index = 0
        while self._text[self._skip_blank()] != closing:
            if self._text[self._at] == ",":
                self._at += 1
            elif closing == "}":
                self._pair(path)
            else:
                self._places[(*path, index)] = self._line()
                self._value((*path, index))
                index += 1
        self._at += 1

    def _key(self) -> list[str]:
        parts = []
        while True:
            match = _KEY_PART.match(self._text, self._at)
            assert match is not None, "the text is TOML"
            self._at = match.end()
            part = match[1]
            parts.append(tomllib.loads(f"key = {part}")["key"] if part[0] in "\"'" else part)
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _skip_blank(self) -> int:
        match = _BLANK.match(self._text, self._at)
        assert match is not None, "the pattern matches the empty text"
        self._at = match.end()
        return self._at

    def _line(self) -> int:
        return bisect_right(self._line_starts, self._at)
