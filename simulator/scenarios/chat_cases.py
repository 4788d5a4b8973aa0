"""Tables of the area `chat`: texts, forms, confirmations of a first text, refusals, signs of typing, other offers."""

from __future__ import annotations

from typing import Final

from simulator.scenarios.grades import Outcomes
from simulator.scenarios.marking import Case

TEXTS: Final = (
    Case("umlauts", "Grüße aus Köln"),
    Case("right-to-left", "שלום"),
    Case("emoji", "👋🏽 ok"),
    Case("joined-emoji", "👩‍👩‍👧"),
    Case("composed", "caf\u00e9"),
    Case("decomposed", "cafe\u0301"),
    Case("two-lines", "two\r\nlines", words="two lines"),
    Case("tab", "a\tb", words="one with a tab"),
    Case("markup", "<b>&amp;</b> ]]> %41"),
    Case("like-a-header", "To: nobody", words="one like a header"),
    Case("blank", " ", words="one blank"),
    Case("long", "x" * 5000, words="one of 5000 characters"),
    Case("100-kB", "0123456789" * 10_000, level="should", words="one of 100 kB", sources=("dialect §7",)),
)

BASIC_TEXTS: Final = tuple(case for case in TEXTS if case.id in ("umlauts", "emoji", "two-lines", "long"))

EDGE_CASES: Final = (
    Case("empty", "", words="the empty one"),
    Case("line-ends-alone", "\r\n\r\n", words="nothing but line ends"),
    Case("bidi-controls", "\u202eevil\u202c", words="one with bidi controls"),
    Case("byte-order-mark", "\ufeffmark", words="one that begins with a byte order mark"),
)

_READ_OR_415: Final[Outcomes] = {"delivered": "ok", "failed 415": "ok", "failed 488": "ok"}
FORMS: Final = (
    Case("plain", outcomes={"delivered": "ok"}, words="plain text"),
    Case("plain+font", outcomes={"delivered": "ok"}, words="plain text with a font"),
    Case("html", outcomes=_READ_OR_415, words="HTML"),
    Case("rtf", outcomes=_READ_OR_415, words="RTF"),
    Case("alternative", outcomes=_READ_OR_415, words="alternatives of each other"),
)
"""A server whose session description takes plain text only may refuse the others (dialect facts §4.1)."""

_ONCE: Final[Outcomes] = {
    "once": "ok",
    "twice": ("not ok", "The server confirmed the text and showed it again when it came as MESSAGE, or showed both."),
    "lost": ("not ok", "The text of the INVITE was confirmed, or the MESSAGE taken, and neither was shown."),
}
_AGAIN: Final[Outcomes] = {
    "once": "ok",
    "twice": (
        "tolerable",
        "Which header confirms the text is not documented (§8.4): server and caller differ in that.",
    ),
    "lost": ("not ok", "The text came as MESSAGE too, which was answered with 200, and was not shown."),
}
CONFIRMATIONS: Final = (
    Case("looks-for-ms-text-format", "ms-text-format", outcomes=_ONCE),
    Case("looks-for-ms-embedded-first-message", "ms-embedded-first-message", outcomes=_AGAIN),
    Case("always-sends-it-again", "never", outcomes=_AGAIN),
)

DECLINED: Final = tuple(Case(str(status), status) for status in (403, 404, 480, 486, 488, 500, 503, 600, 603, 606))
"""480 too: the session that a 480 drops is one that is there, and here there is none."""

INFOS: Final = (
    Case("sfb-2019", words="KeyboardActivity"),
    Case("generic", words="isComposing", sources=("RFC 3994 §3",)),
)

OFFERS: Final = (
    Case("audio", words="sound"),
    Case("video"),
    Case("application-sharing", words="application sharing"),
    Case("file", words="a file"),
    Case("old-file", words="a file as of old"),
    Case("conference", words="a conference"),
    Case("multiparty", words="a chat of more than two"),
)


def forms_of(*takes: tuple[str, ...]) -> tuple[Case, ...]:
    """A case for each list of accept-types."""
    return tuple(
        Case("+".join(one.replace("/", "-") for one in types), types, words=", ".join(types)) for types in takes
    )
