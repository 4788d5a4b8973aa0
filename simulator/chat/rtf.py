"""Text as RTF and back: what a message of `text/rtf` says (dialect facts §4.3; RTF 1.9)."""

from __future__ import annotations

import re
from typing import NamedTuple

from simulator.chat.charset import decode, encode
from simulator.chat.html import with_line_feeds
from simulator.errors import RemoteProtocolError

MAX_DEPTH = 200
"A document whose groups nest deeper is refused; those of word processors reach about ten."

_BEGIN = (
    r"{\rtf1\fbidis\ansi\ansicpg1252\deff0\nouicompat\deflang1033{\fonttbl{\f0\fnil\fcharset0 Segoe UI;}}"
    "\r\n"
    r"{\colortbl ;\red0\green0\blue0;}"
    "\r\n"
    r"\viewkind4\uc1 \pard\cf1\f0\fs20 "
)
_END = r"{\*\lyncflags<rtf=1>}}"


def write_rtf(text: str) -> bytes:
    r"""A whole document in ASCII as Lync writes it, each line of the text (CRLF, CR or LF) a paragraph.

    Everything beyond ASCII is `\uN` with `?` for readers that do not know it. Raises LocalProtocolError for half a
    surrogate pair.
    """
    encode(text)
    lines = "".join(_ESCAPED.sub(_escape, line) + "\\par\r\n" for line in with_line_feeds(text).split("\n"))
    return (_BEGIN + lines + _END).encode("ascii")


def read_rtf(document: bytes, charset: str | None = None) -> str:
    """The text of a document: fonts, colours, pictures, hidden text and unknown destinations are left out.

    `charset` is that of the Content-Type, which bytes beyond ASCII are in where they stand unescaped; without it they
    are in the code page of the document. Takes time linear in the size of the document. Raises RemoteProtocolError:
    400 for what is no document (no `{\\rtf`, unbalanced or too deep groups, half a surrogate pair, bytes outside the
    code page), 415 for a code page that is not understood.
    """
    source = document.decode("latin-1").rstrip(" \r\n\0")
    if not source.startswith("{\\rtf"):
        raise RemoteProtocolError("An RTF document begins with {\\rtf, and this body does not.")
    return _Reader(source, charset).read()


_ESCAPED = re.compile(r"[^ -\[\]-z|~]")
"All that is not plain ASCII text: controls, what is beyond ASCII, and the three characters that RTF itself uses."


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\\{}":
        return "\\" + character
    if character == "\t":
        return "\\tab "
    if character < "\x80":
        return f"\\'{ord(character):02x}"
    units = character.encode("utf-16-le")
    numbers = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
    return "".join(f"\\u{number}?" for number in numbers)


_TOKEN = re.compile(
    r"\\([A-Za-z]{1,32})(-?[0-9]{1,10})? ?"  # 1, 2: a control word with its number and the one blank that ends it
    r"|\\'([0-9A-Fa-f]{2})"  # 3: a byte
    r"|\\([^A-Za-z'])"  # 4: a control symbol
    r"|([{}])"  # 5
    r"|[\r\n]+"
    r"|([^\\{}\r\n]+)",  # 6: text
    re.DOTALL,
)

_SKIPPED = frozenset(
    "fonttbl colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf "  # noqa: SIM905 - a word list reads better as words
    "footnote annotation generator xmlnstbl listtable listoverridetable revtbl rsidtbl themedata colorschememapping "
    "datastore latentstyles fldinst fontemb fontfile template operator author title subject keywords comment "
    "nonshppict private xe tc bkmkstart bkmkend pntext".split()
)
"Destinations whose text is not part of what a person reads; those after `\\*` are left out, too, known or not."

_WORDS = {
    "par": "\n", "line": "\n", "sect": "\n", "page": "\n", "row": "\n", "tab": "\t", "cell": "\t",
    "emdash": "—", "endash": "–", "emspace": "\u2003", "enspace": "\u2002", "qmspace": "\u2005", "bullet": "•",
    "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”",
    "ltrmark": "\u200e", "rtlmark": "\u200f", "zwj": "\u200d", "zwnj": "\u200c", "zwbo": "\u200b",
}  # fmt: skip
_SYMBOLS = {
    "\\": "\\", "{": "{", "}": "}", "~": "\xa0", "_": "\u2011", "-": "\xad", "\r": "\n", "\n": "\n", "\t": "\t",
}  # fmt: skip
_CODE_PAGES = {"ansi": "cp1252", "mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_FONT_CHARSETS = {
    128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950", 161: "cp1253", 162: "cp1254", 163: "cp1258",
    177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"`\\fcharsetN` of a font, as the code page of the bytes that are set in it; 0 and 1 mean that of the document."

_PYTHON_NAMES = {"cp65001": "utf-8", "cp10000": "mac_roman", "cp936": "gbk", "cp20127": "ascii"}
_OLD = frozenset(["mac_roman", "cp437", "cp850"])


class _State(NamedTuple):
    """What a group inherits and its end restores."""

    skipped: bool = False
    hidden: bool = False
    fallback: int = 1
    "How many characters after `\\uN` stand for it."
    font: int | None = None


class _Reader:
    """One pass over a document."""

    def __init__(self, source: str, charset: str | None) -> None:
        self._source = source
        self._charset = charset
        self._state = _State()
        self._groups: list[_State] = []
        self._pieces: list[str] = []
        self._bytes = bytearray()
        "Escaped bytes that are not decoded yet: a character may take two."
        self._half: int | None = None
        "The first half of a surrogate pair."
        self._to_skip = 0
        self._page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._defined: int | None = None
        "The font that the font table is defining."
        self._starred = False
        self._at = 0

    def read(self) -> str:
        source = self._source
        while True:
            match = _TOKEN.match(source, self._at)
            if match is None:
                raise RemoteProtocolError("The RTF document ends within a control word or has a broken one.")
            self._at = match.end()
            self._take(match)
            if not self._groups:
                break
            if self._at >= len(source):
                raise RemoteProtocolError("A group of the RTF document is never closed.")
        if self._at < len(source):
            raise RemoteProtocolError("Something follows the end of the RTF document.")
        text = "".join(self._pieces)
        return text[:-1] if text.endswith("\n") else text

    def _take(self, match: re.Match[str]) -> None:
        word, number, byte, symbol, brace, text = match.groups()
        starred, self._starred = self._starred, False
        if brace is not None:
            self._brace(brace)
        elif word is not None:
            self._word(word, None if number is None else int(number), starred)
        elif byte is not None:
            self._byte(int(byte, 16))
        elif symbol is not None:
            self._symbol(symbol)
        elif text is not None:
            self._text(text)
        else:
            self._starred = starred

    def _brace(self, brace: str) -> None:
        self._flush()
        self._to_skip = 0
        if brace == "}":
            self._state = self._groups.pop()
            return
        if len(self._groups) >= MAX_DEPTH:
            raise RemoteProtocolError(f"The groups of the RTF document nest deeper than {MAX_DEPTH}.")
        self._groups.append(self._state)

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._starred = True
        elif self._to_skip:
            self._to_skip -= 1
        else:
            self._show(_SYMBOLS.get(symbol, ""))

    def _byte(self, value: int) -> None:
        if self._to_skip:
            self._to_skip -= 1
        elif not self._state.skipped and not self._state.hidden:
            self._no_half()
            self._bytes.append(value)

    def _text(self, text: str) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(text))
            self._to_skip -= skipped
            text = text[skipped:]
        if self._state.skipped or self._state.hidden or not text:
            return
        self._no_half()
        if text.isascii() and not self._bytes:
            self._pieces.append(text)
        elif self._charset is not None and not text.isascii():
            self._flush()
            self._pieces.append(decode(text.encode("latin-1"), self._charset))
        else:
            self._bytes += text.encode("latin-1")

    def _word(self, word: str, number: int | None, starred: bool) -> None:
        if self._to_skip and word not in ("u", "bin"):
            self._to_skip -= 1
            return
        if starred or word in _SKIPPED:
            self._flush()
            self._state = self._state._replace(skipped=True)
        if word == "u":
            self._to_skip = 0
            self._unit(number)
        elif word in _WORDS:
            self._show(_WORDS[word])
        elif word == "bin":
            self._at += max(0, number or 0)
        elif word in _SETTINGS:
            self._flush()
            self._set(word, number)

    def _set(self, word: str, number: int | None) -> None:
        """A word that changes how what follows is read."""
        match word:
            case "uc":
                self._state = self._state._replace(fallback=min(max(0, number or 0), 100))
            case "v":
                self._state = self._state._replace(hidden=number != 0)
            case "plain":
                self._state = self._state._replace(hidden=False)
            case "ansicpg":
                self._page = f"cp{number}"
            case "deff":
                self._state = self._state._replace(font=number)
            case "f":
                self._state = self._state._replace(font=number)
                self._defined = number
            case "fcharset":
                if self._defined is not None and number in _FONT_CHARSETS:
                    self._fonts[self._defined] = _FONT_CHARSETS[number]
            case _:
                self._page = _CODE_PAGES[word]

    def _unit(self, number: int | None) -> None:
        r"""`\uN`: one UTF-16 unit, usually signed, or a whole code point as some writers have it."""
        self._flush(keep_half=True)
        self._to_skip = self._state.fallback
        if self._state.skipped or self._state.hidden:
            return
        if number is None or not -0x8000 <= number <= 0x10FFFF:
            raise RemoteProtocolError(f"\\u{number} of the RTF document is no character.")
        unit = number & 0xFFFF if number < 0 else number
        if self._half is not None and 0xDC00 <= unit <= 0xDFFF:
            self._pieces.append(chr(0x10000 + ((self._half - 0xD800) << 10) + (unit - 0xDC00)))
            self._half = None
            return
        self._no_half()
        if 0xD800 <= unit <= 0xDBFF:
            self._half = unit
        elif 0xDC00 <= unit <= 0xDFFF:
            raise RemoteProtocolError("The RTF document holds half a surrogate pair.")
        else:
            self._pieces.append(chr(unit))

    def _show(self, text: str) -> None:
        if self._state.skipped or self._state.hidden:
            return
        self._flush()
        self._pieces.append(text)

    def _no_half(self) -> None:
        if self._half is not None:
            raise RemoteProtocolError("The RTF document holds half a surrogate pair.")

    def _flush(self, *, keep_half: bool = False) -> None:
        """Decode the bytes that stand together, in the code page of their font."""
        if not keep_half:
            self._no_half()
        if self._bytes:
            self._pieces.append(self._decoded(bytes(self._bytes)))
            self._bytes.clear()

    def _decoded(self, found: bytes) -> str:
        page = self._page
        if self._state.font is not None:
            page = self._fonts.get(self._state.font, page)
        page = _PYTHON_NAMES.get(page, page)
        if page not in _OLD:
            return decode(found, page)
        return found.decode(page)


_SETTINGS = frozenset(["uc", "v", "plain", "ansicpg", "deff", "f", "fcharset", *_CODE_PAGES])
