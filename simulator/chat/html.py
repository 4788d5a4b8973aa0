"""Text as HTML and back: what a message of `text/html` says (dialect facts §4.3: line breaks by tags only)."""

from __future__ import annotations

import re
from html import escape, unescape

from simulator.errors import LocalProtocolError


def write_html(text: str) -> str:
    """`text` in one element, as Skype for Business does, each line end (CRLF, CR or LF) a `<BR>`.

    Blanks that a browser would join or drop are written as `&nbsp;`. Raises LocalProtocolError for NUL, which no HTML
    holds.
    """
    if "\0" in text:
        raise LocalProtocolError("HTML cannot hold the character U+0000; send this text as text/plain.")
    lines = with_line_feeds(text).split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.append("")  # the last <BR> of an element only ends the line that it stands in
    style = 'STYLE="font-family:Segoe UI;font-size:10pt;color:#000000"'
    return f'<SPAN {style} DIR="ltr">{"<BR>".join(map(_written, lines))}</SPAN>'


def read_html(markup: str) -> str:
    """The text that a browser would show: tags gone, line breaks for <br> and blocks, blanks joined, entities resolved.

    `&nbsp;` is read as a blank, a U+00A0 written any other way stays one. Nothing is loaded. Takes time linear in the
    size of the markup, whatever it is (the standard library's parser takes minutes for 60 kB).
    """
    lines = _Lines()
    without_end: set[str] = set()
    at = 0
    while (start := markup.find("<", at)) >= 0:
        lines.add(markup[at:start])
        if markup.startswith("<!--", start):
            end = markup.find("-->", start)
            at = end + 3 if end >= 0 else len(markup)
            continue
        tag = _TAG.match(markup, start)
        if tag is None:
            lines.add("<")
            at = start + 1
            continue
        name = (tag[1] or "").lower()
        at = _end_of_hidden(markup, name, tag.end(), without_end)
        if name == "br":
            lines.end()
        elif name in _BLOCKS:
            lines.end_if_begun()
    lines.add(markup[at:])
    return lines.text()


def with_line_feeds(text: str) -> str:
    """`text` with each CRLF and CR as LF: all that is left of a line end in formats that have tags for it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Lines:
    """The lines of a text that is being read."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._pieces: list[str] = []

    def add(self, source: str) -> None:
        if source:
            self._pieces.append(source)

    def end(self) -> None:
        """A line ends here, be it empty."""
        self._done.append(self._line())

    def end_if_begun(self) -> None:
        """A block begins or ends here, which ends the line before it, if there is one."""
        line = self._line()
        if line:
            self._done.append(line)

    def text(self) -> str:
        self.end_if_begun()
        return "\n".join(map(_resolved, self._done))

    def _line(self) -> str:
        line = _BLANKS.sub(" ", "".join(self._pieces)).strip(" ")
        self._pieces.clear()
        return line


def _resolved(line: str) -> str:
    if "&" not in line:
        return line
    return _ENTITY.sub(lambda match: " " if match[0] in ("&nbsp;", "&nbsp") else unescape(match[0]), line)


def _written(line: str) -> str:
    blanks = _COLLAPSING.sub(lambda match: "&nbsp;" * len(match[0]), escape(line, quote=False))
    return blanks.replace("\t", "&#9;").replace("\f", "&#12;").replace("\xa0", "&#160;")


def _end_of_hidden(markup: str, name: str, at: int, without_end: set[str]) -> int:
    """Where the text goes on after a tag: behind the whole element if it is one that does not show."""
    if name not in _HIDDEN or name in without_end:
        return at
    end = re.compile(rf"</{name}[^<>]*>", re.IGNORECASE).search(markup, at)
    if end is None:
        without_end.add(name)
        return at
    return end.end()


_HIDDEN = frozenset(["script", "style", "head", "title"])
_BLOCKS = frozenset(["p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol"])
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)[^<>]*>|<[!?/][^<>]*>")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_COLLAPSING = re.compile(r"^ +| +$| {2,}")
_ENTITY = re.compile(r"&(?:#[0-9]{1,9}(?![0-9]);?|#[xX][0-9a-fA-F]{1,8}(?![0-9a-fA-F]);?|[A-Za-z][A-Za-z0-9]{1,31};?)")
"A number of more digits is no character, and Python would refuse to read thousands of them."
