"""The habits of a chat partner that are not the same everywhere, each a named switch (dialect facts §4, §8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from simulator.chat import sdp
from simulator.chat.composing import ComposingFormat
from simulator.chat.first_message import Confirmation
from simulator.chat.formats import PLAIN_TEXT, TEXTS, TextFormat
from simulator.chat.typing_state import RFC_3994, TypingTimers


@dataclass(frozen=True, slots=True)
class RefusalAnswer:
    """How an INVITE that is no chat of two is refused."""

    status: int
    "The final status."
    reason: str
    "The reason phrase with it."
    warning: tuple[int, str] | None = None
    "Code and text of a Warning header (RFC 3261 §20.43)."

    def __str__(self) -> str:
        warning = "" if self.warning is None else f" with Warning {self.warning[0]}"
        return f"{self.status} {self.reason}{warning}"


NOT_ACCEPTABLE_HERE = RefusalAnswer(488, "Not Acceptable Here")
"What a client without the feature answers."
NOT_IMPLEMENTED = RefusalAnswer(501, "Not Implemented")
"What pidgin-sipe answers to a session description without a message medium (dialect facts §4.2)."
AGAINST_POLICY = RefusalAnswer(606, "Not Acceptable", (309, "Contents not allowed by policy"))
"What a policy of the server answers (dialect facts §4.2, §5.3)."


@dataclass(frozen=True, slots=True)
class ChatRules:
    """How one product chats; derive another with `but`. Every default is what Skype for Business was seen to do, or
    where that is not known the most careful reading.
    """

    formats: tuple[TextFormat, ...] = (PLAIN_TEXT,)
    "How texts are written, best first; the first that the peer's accept-types take is used."
    prefer: tuple[str, ...] = TEXTS
    "Which of several alternatives is read; pidgin-sipe prefers HTML and RTF (dialect facts §4.3)."
    embeds: tuple[TextFormat, ...] = ()
    "In which forms the first text travels in the INVITE; none sends it as a MESSAGE."
    embed_limit: int = 8000
    """Characters of the longest first text that travels in the INVITE; a longer one follows as MESSAGE. Clients since
    Lync 2013 let nobody type more (dialect facts §7, from memory)."""
    consumes: bool = True
    "Whether a first text in an INVITE is taken and confirmed; otherwise the caller sends it again."
    confirmation: Confirmation = "ms-text-format"
    "Which header of the 200 confirms a first text; not known for Lync 2013 and later (dialect facts §8.4)."
    sdp_type: str = sdp.CONTENT_TYPE
    "The Content-Type of an INVITE that is sent; newer clients write `sdp.CALL_TYPE_IM`. Both are read."
    composing: ComposingFormat | None = "info"
    "How typing is told; None tells nothing."
    typing: TypingTimers = RFC_3994
    "The timers of typing."
    conference: RefusalAnswer = NOT_ACCEPTABLE_HERE
    "An invitation to a conference (inference: 488 or 606)."
    file_transfer: RefusalAnswer = NOT_ACCEPTABLE_HERE
    "A file; by policy it is 606 with a Warning."
    media: RefusalAnswer = NOT_ACCEPTABLE_HERE
    "Sound, video, application sharing; pidgin-sipe answers 501."
    multiparty: RefusalAnswer | None = NOT_ACCEPTABLE_HERE
    "A chat of more than two; None takes it as if it were one of two (inference)."
    x_ms_message: bool = True
    "Whether the medium of LCS 2005 is taken; otherwise it is refused as `media` is."
    warning_agent: str = "lcs.microsoft.com"
    "Who signs a Warning header (memory)."

    def but(self, **changes: Any) -> ChatRules:
        """The same rules with some switches changed: `ChatRules().but(media=NOT_IMPLEMENTED)`."""
        return replace(self, **changes)


SFB = ChatRules()
"Skype for Business, as far as it is known."
