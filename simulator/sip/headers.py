"""Header fields, raw and in order, looked up by name (RFC 3261 §7.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.header_names import KEY_OF_NAME, KEY_OF_SPELLING, key_of
from simulator.sip.text import TOKEN, shown, split_top_level

_MALFORMED = ""
"The key of a line that is no header; no name has it, so the line is found by none and copied into no response."

_LENGTHS = re.compile(
    r"\r\n(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*(?:(?=\r\n[^ \t]|\Z)|[\r\n]))", re.IGNORECASE | re.ASCII
).findall
"The value of each Content-Length; one that is folded or holds a CR or LF of its own ends with it."


class Headers:
    """The header fields of one message: every line as it came, in its order, and lookup by any spelling of a name.

    A value is the text behind the colon without the blanks around it, decoded as UTF-8 with surrogateescape, folded
    lines joined by one blank. What was parsed goes out byte for byte; `add`, `prepend` and `set` write `Name: value`
    and raise LocalProtocolError on a name that is no token and on a value with CR or LF.

    What was parsed is split into lines at the first look at any of them. A line that is no header (no colon, no token
    for a name, a CR or LF of its own) stays where it is and has no name; `check` tells.
    """

    __slots__ = ("_block", "_is_split", "_keys", "_lines", "views")

    _block: str | None
    "The header lines as they go out, a CRLF before each; None where one was changed since it was last asked for."
    _is_split: bool
    "Whether the next two are there; else they are made of the block when somebody needs them."
    _keys: list[str]
    "The `key_of` of each line."
    _lines: list[str]
    views: dict[str, object]
    "What was made of these headers, until one changes; for `simulator.sip.views`."

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        keys: list[str] = []
        lines: list[str] = []
        for name, value in items:
            keys.append(KEY_OF_NAME.get(name) or _key_of_token(name))
            lines.append(f"{name}: {value}")
        block = "".join([f"\r\n{line}" for line in lines])
        if block.count("\n") != len(lines) or block.count("\r") != len(lines) or not block.isascii():
            for line in lines:
                name, _, value = line.partition(":")
                check_writable(value, f"the value of {name}")
        self._block = block
        self._is_split = True
        self._keys = keys
        self._lines = lines
        self.views = {}

    @classmethod
    def from_block(cls, block: str) -> Headers:
        """Headers of raw text, each line with its CRLF before it; nothing is looked at yet."""
        headers = cls.__new__(cls)
        headers._block = block
        headers._is_split = False
        headers.views = {}
        return headers

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Headers:
        """Headers of raw lines without their CRLF; a line that begins with a blank continues the one before it.

        Raises RemoteProtocolError where a line is no header.
        """
        headers = cls.from_block("".join(f"\r\n{line}" for line in lines))
        headers.check()
        return headers

    @classmethod
    def unchecked(cls, lines: Iterable[str]) -> Headers:
        """Headers that hold these lines, whatever they are: how a malformed message is built on purpose."""
        return cls.from_block("\r\n".join(["", *lines]))

    if not TYPE_CHECKING:  # for a type checker both are ordinary attributes

        def __getattr__(self, name: str) -> list[str]:
            """Called where `_keys` or `_lines` are not there yet: split the block now."""
            if name not in ("_keys", "_lines"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.split()
            return object.__getattribute__(self, name)

    def split(self) -> None:
        """Look at the lines of the block now, not when somebody asks for one."""
        lines = self._block[2:].split("\r\n") if self._block else []
        try:
            keys = [KEY_OF_SPELLING[line[: line.find(":") + 1]] for line in lines]
        except KeyError:
            lines = _unsplit_folds(lines)
            keys = [KEY_OF_SPELLING.get(line[: line.find(":") + 1]) or _key_of_line(line) for line in lines]
        joined = "".join(lines)
        if "\n" in joined or "\r" in joined:
            keys = [_MALFORMED if _STRAY_BREAK.search(line) else key for key, line in zip(keys, lines, strict=True)]
        self._keys = keys
        self._lines = lines
        self._is_split = True

    def check(self) -> None:
        """Raise RemoteProtocolError where a line is no header (RFC 3261 §7.3.1)."""
        if _MALFORMED in self._keys:
            _explain(self._lines[self._keys.index(_MALFORMED)])

    @property
    def block(self) -> str:
        """All lines as they go out, a CRLF before each."""
        if self._block is None:
            self._block = "".join([f"\r\n{line}" for line in self._lines])
        return self._block

    def content_lengths(self) -> list[str]:
        """The values of all Content-Length headers; for parsed headers without splitting them into lines."""
        if self._block is None or self._is_split:
            return self.all_of("content-length")
        values: list[str] = _LENGTHS(self._block)
        if len(values) == 1 and values[0].isdigit():
            return values
        return self.all_of("content-length") if values else values

    def add_raw(self, line: str) -> None:
        """Append a line whatever it is, for a message that is malformed on purpose; without its CRLF."""
        self._block = f"{self.block}\r\n{line}"
        self.views.clear()
        self.split()

    @property
    def lines(self) -> tuple[str, ...]:
        """Every header line as it goes out, without the CRLF at its end (a folded one holds CRLFs inside)."""
        return tuple(self._lines)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of the first header of this name, or `default`."""
        value = self.first(key_of(name))
        return default if value is None else value

    def first(self, key: str) -> str | None:
        """The value of the first header with this `key_of`, None where there is none."""
        keys = self._keys
        return _value(self._lines[keys.index(key)]) if key in keys else None

    def get_all(self, name: str) -> list[str]:
        """The values of all headers of this name, one per line, in order, commas untouched."""
        return self.all_of(key_of(name))

    def all_of(self, key: str) -> list[str]:
        """The values of all headers with this `key_of`."""
        keys = self._keys
        number = keys.count(key)
        if number == 1:
            return [_value(self._lines[keys.index(key)])]
        if not number:
            return []
        return [_value(line) for candidate, line in zip(keys, self._lines, strict=True) if candidate == key]

    def values(self, name: str) -> list[str]:
        """The elements of a comma-list header, over all its lines, in order and each as written.

        Commas in quotes and angle brackets do not split; empty elements are dropped. Raises RemoteProtocolError on
        unbalanced quotes or brackets. Not for headers whose value may hold commas as plain text (Subject, Date,
        User-Agent).
        """
        return self.elements(key_of(name))

    def elements(self, key: str) -> list[str]:
        """The same for the headers with this `key_of`."""
        values = self.all_of(key)
        if len(values) == 1 and values[0] and "," not in values[0]:
            return values
        elements: list[str] = []
        for value in values:
            elements += split_top_level(value) if "," in value else (value,)
        return [element for element in elements if element]

    def add(self, name: str, value: str) -> None:
        """Append a header."""
        line = _written(name, value)
        if self._is_split:
            self._keys.append(key_of(name))
            self._lines.append(line)
        if self._block is not None:
            self._block += f"\r\n{line}"
        self.views.clear()

    def prepend(self, name: str, value: str) -> None:
        """Put a header before all others, as a Via or Record-Route of the next hop goes."""
        line = _written(name, value)
        if self._is_split:
            self._keys.insert(0, key_of(name))
            self._lines.insert(0, line)
        if self._block is not None:
            self._block = f"\r\n{line}{self._block}"
        self.views.clear()

    def set(self, name: str, value: str) -> None:
        """Replace the headers of this name by one that stands where the first of them stood, or at the end."""
        line = _written(name, value)
        key = key_of(name)
        if key not in self._keys:
            self._keys.append(key)
            self._lines.append(line)
        else:
            index = self._keys.index(key)
            self.remove(name)
            self._keys.insert(index, key)
            self._lines.insert(index, line)
        self._changed()

    def remove(self, name: str) -> None:
        """Take out all headers of this name; nothing happens where there is none."""
        key = key_of(name)
        kept = [index for index, candidate in enumerate(self._keys) if candidate != key]
        self._lines = [self._lines[index] for index in kept]
        self._keys = [self._keys[index] for index in kept]
        self._changed()

    def remove_first(self, name: str) -> None:
        """Take out the first header line of this name; nothing happens where there is none."""
        key = key_of(name)
        if key in self._keys:
            index = self._keys.index(key)
            del self._keys[index], self._lines[index]
            self._changed()

    def _changed(self) -> None:
        self._block = None
        self.views.clear()

    def copy(self) -> Headers:
        """Headers of their own with the same lines."""
        if self._block is not None:
            return Headers.from_block(self._block)
        headers = Headers.__new__(Headers)
        headers._block = None
        headers._is_split = True
        headers._keys = self._keys.copy()
        headers._lines = self._lines.copy()
        headers.views = {}
        return headers

    def lines_of(self, keys: frozenset[str]) -> list[str]:
        """The raw lines whose `key_of` is among `keys`, in their order."""
        return [line for key, line in zip(self._keys, self._lines, strict=True) if key in keys]

    def line_of(self, key: str) -> str:
        """The first raw line with this `key_of`; ValueError where there is none."""
        return self._lines[self._keys.index(key)]

    def count(self, name: str) -> int:
        """How many header lines have this name."""
        return self._keys.count(key_of(name))

    def only(self, key: str) -> str | None:
        """The value of the one header with this `key_of`, None where there is none; RemoteProtocolError at a second."""
        keys = self._keys
        number = keys.count(key)
        if number == 1:
            return _value(self._lines[keys.index(key)])
        if number:
            raise RemoteProtocolError(f"the header {key} stands {number} times")
        return None

    def only_each(self, keys: Iterable[str]) -> list[str | None]:
        """`only` for each of these."""
        lines = dict(zip(self._keys, self._lines, strict=True))
        if len(lines) < len(self._keys):
            return [self.only(key) for key in keys]
        return [_value(lines[key]) if key in lines else None for key in keys]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and key_of(name) in self._keys

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(name as written, value) of every header, in order."""
        for line in self._lines:
            yield line[: line.find(":")].rstrip(" \t"), _value(line)

    def __len__(self) -> int:
        return len(self._lines)

    def __eq__(self, other: object) -> bool:
        return self._lines == other._lines if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"


def _value(line: str) -> str:
    value = line[line.find(":") + 1 :]
    if "\n" not in value:
        return value.strip(" \t")
    return " ".join(part for part in (piece.strip(" \t") for piece in value.split("\r\n")) if part)


def _unsplit_folds(lines: list[str]) -> list[str]:
    """Join continuation lines to the line they continue, CRLF and blanks kept (RFC 3261 §7.3.1)."""
    joined: list[str] = []
    pieces: list[str] = []
    for line in lines:
        if line[:1] in {" ", "\t"}:
            pieces.append(line)
            continue
        if pieces:
            joined.append("\r\n".join(pieces) if len(pieces) > 1 else pieces[0])
        pieces = [line]
    if pieces:
        joined.append("\r\n".join(pieces))
    return joined


_STRAY_BREAK = re.compile(r"\r(?!\n)|(?<!\r)\n")


def _key_of_line(line: str) -> str:
    name, colon, _ = line.partition(":")
    name = name.rstrip(" \t")
    return key_of(name) if colon and TOKEN.fullmatch(name) is not None else _MALFORMED


def _explain(line: str) -> NoReturn:
    """Say what is wrong with a line that is no header."""
    name, colon, _ = line.partition(":")
    if _STRAY_BREAK.search(line):
        raise RemoteProtocolError(f"a CR or LF stands alone in the header {shown(line)}")
    if not colon:
        raise RemoteProtocolError(f"a header line has no colon: {shown(line)}")
    if line[:1] in {" ", "\t"}:
        raise RemoteProtocolError("the first header line begins with a blank")
    raise RemoteProtocolError(f"{shown(name)} is no header name")


def _written(name: str, value: str) -> str:
    if name not in KEY_OF_NAME:
        _key_of_token(name)
    if "\r" in value or "\n" in value or not value.isascii():
        check_writable(value, f"the value of {name}")
    return f"{name}: {value}"


def _key_of_token(name: str) -> str:
    """The key of a name that is not in the table; LocalProtocolError unless it is a token."""
    if TOKEN.fullmatch(name) is None:
        raise LocalProtocolError(f"{shown(name)} is no header name")
    return key_of(name)


def check_writable(text: str, what: str) -> None:
    """Raise LocalProtocolError, naming `what`, when `text` holds a line break or cannot be encoded."""
    if "\r" in text or "\n" in text:
        raise LocalProtocolError(f"{what} holds a line break: {shown(text)}")
    if not text.isascii():
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise LocalProtocolError(f"{what} cannot be written as UTF-8: {shown(text)}") from None
