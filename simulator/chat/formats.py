"""Which form a chat text takes, and which of them the peer accepts (dialect facts §4.1, §4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.chat.font import FontHint
from simulator.chat.multipart import TransferEncoding
from simulator.errors import ConfigurationError, Problem

PLAIN = "text/plain"
HTML = "text/html"
RTF = "text/rtf"
ALTERNATIVE = "multipart/alternative"
TEXTS = (PLAIN, HTML, RTF)
"The media types of a single text."


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a text is written: in one media type, or in several as alternatives of each other."""

    media_types: tuple[str, ...] = (PLAIN,)
    "Of TEXTS; more than one makes a multipart/alternative, plainest first (RFC 2046 §5.1.4)."
    font: FontHint | None = None
    "The `msgr` parameter of the plain text; None leaves it out."
    encoding: TransferEncoding = "8bit"
    "How the parts of a multipart/alternative travel; a single text always travels as it is."

    def __post_init__(self) -> None:
        if not self.media_types or not set(self.media_types) <= set(TEXTS):
            message = f"{self.media_types!r} is no choice of {', '.join(TEXTS)}"
            raise ConfigurationError([Problem("text format", message)])

    @property
    def media_type(self) -> str:
        """The media type of the whole body."""
        return self.media_types[0] if len(self.media_types) == 1 else ALTERNATIVE

    def __str__(self) -> str:
        return "+".join(self.media_types) + (" with a font" if self.font is not None else "")

    def but(self, **changes: Any) -> TextFormat:
        """The same format with some fields changed: `PLAIN_TEXT.but(font=FontHint("Arial"))`."""
        return replace(self, **changes)


PLAIN_TEXT = TextFormat()
HTML_TEXT = TextFormat((HTML,))
RTF_TEXT = TextFormat((RTF,))
ALTERNATIVES = TextFormat((PLAIN, RTF, HTML), FontHint())
"All three at once, as [MS-CONFIM] 4.2.1 orders them."

FORMATS: dict[str, TextFormat] = {
    "plain": PLAIN_TEXT,
    "plain+font": TextFormat(font=FontHint()),
    "html": HTML_TEXT,
    "rtf": RTF_TEXT,
    "alternative": ALTERNATIVES,
}
"The formats by the names that a test writes."


def format_named(name: str) -> TextFormat:
    """The format of FORMATS with this name; ConfigurationError with the known names where there is none."""
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(FORMATS)
        raise ConfigurationError([Problem("text format", f"there is no {name!r}; there are: {known}")]) from None


def accepts(accept_types: Sequence[str], media_type: str) -> bool:
    """Whether these accept-types (lower case) take a body of this media type; none at all takes everything."""
    wanted = media_type.lower()
    return not accept_types or any(
        entry in ("*", "*/*", wanted) or (entry.endswith("/*") and wanted.startswith(entry[:-1]))
        for entry in accept_types
    )


def choose(accept_types: Sequence[str], preferences: Iterable[TextFormat]) -> TextFormat | None:
    """The first preferred format that the peer takes; None where it takes none of them.

    Alternatives need `multipart/alternative` itself and one of their parts among the accept-types.
    """
    return next((choice for choice in preferences if _taken(accept_types, choice)), None)


def _taken(accept_types: Sequence[str], choice: TextFormat) -> bool:
    return accepts(accept_types, choice.media_type) and any(accepts(accept_types, one) for one in choice.media_types)
