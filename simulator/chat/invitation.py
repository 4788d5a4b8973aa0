"""What an INVITE asks for: a chat of two, or something that is refused (dialect facts §4.1, §4.2)."""

from __future__ import annotations

import binascii
import os
from dataclasses import dataclass
from enum import Enum

from simulator.chat import sdp
from simulator.chat.first_message import has_first_message, read_first_message
from simulator.chat.multipart import Part, read_multipart
from simulator.chat.rules import SFB, ChatRules, RefusalAnswer
from simulator.chat.text import ReadBody
from simulator.errors import RemoteProtocolError
from simulator.sip.fields import MediaType
from simulator.sip.message import Request
from simulator.sip.text import quote

CONFERENCE = "application/ms-conf-invite+xml"
OLD_FILE_TRANSFER = "text/x-msmsgsinvite"
FILE_TRANSFER = "application/ms-filetransfer+xml"
MULTIPARTY = "com.microsoft.rtc-multiparty"
"The option tag that in `Require`, not in `Supported`, asks for a chat of several."


class Kind(Enum):
    """What a refused INVITE asked for."""

    CONFERENCE = "a conference"
    FILE_TRANSFER = "a file transfer"
    MEDIA = "sound, video or other media"
    MULTIPARTY = "a chat of more than two"
    UNKNOWN = "a body of a type that is not understood"


@dataclass(frozen=True, slots=True)
class ImOffer:
    """An INVITE to a chat of two."""

    description: sdp.ImDescription | None
    "Its session description; None where the INVITE has no body, and the ACK will bring one (RFC 3264 §4)."
    first_message: ReadBody | None
    "The text that travels in it, if there is one that can be read."
    first_problem: str | None
    "Why a first text that is there could not be read; it is then to be left unconfirmed."
    conversation_id: str | None
    "Its Ms-Conversation-ID."


@dataclass(frozen=True, slots=True)
class InviteRefusal:
    """An INVITE that is answered with a final status other than success."""

    kind: Kind
    "What it asked for."
    status: int
    "The final status."
    reason: str
    "The reason phrase with it."
    sentence: str
    "Why, for the log; it never leaves this side."
    headers: tuple[tuple[str, str], ...] = ()
    "Further headers of the answer: Warning, Accept."


def classify_invite(request: Request, rules: ChatRules = SFB) -> ImOffer | InviteRefusal:
    """What an INVITE outside any dialog asks for.

    Whether its conversation id is in use already is for the caller to see. Raises RemoteProtocolError (400, 413) for a
    session description or a multipart body that is broken, and for broken headers.
    """
    media_type = request.headers.get("Content-Type")
    kind = MediaType.parse(media_type) if media_type else None
    refused = _other_body(request, kind, rules)
    if refused is not None:
        return refused
    description = sdp.parse_im_sdp(request.body) if request.body else None
    if isinstance(description, sdp.ImRefusal):
        return _refusal(Kind.MEDIA, rules.media, description.reason, rules)
    if description is not None and description.media == "x-ms-message" and not rules.x_ms_message:
        return _refusal(Kind.MEDIA, rules.media, "The session offers x-ms-message, the medium of LCS 2005.", rules)
    if rules.multiparty is not None and (why := why_multiparty(request)) is not None:
        return _refusal(Kind.MULTIPARTY, rules.multiparty, why, rules)
    first, problem = _first(request, rules)
    return ImOffer(description, first, problem, request.ms_conversation_id)


def why_multiparty(request: Request) -> str | None:
    """One sentence on what makes this INVITE one for a chat of several; None where it is one of two."""
    if MULTIPARTY in (option.lower() for option in request.require):
        return f"It requires {MULTIPARTY}."
    if (request.headers.get("TriggeredInvite") or "").strip().upper() == "TRUE":
        return "Its TriggeredInvite is TRUE."
    count = len(request.endpoints)
    return f"Its EndPoints are {count}, and a chat has two." if count > 2 else None


def new_conversation_id() -> str:
    """An Ms-Conversation-ID that no other conversation has: base64 of 22 bytes, the first of them 1, as Outlook makes
    its thread indexes (length seen in traces, meaning inferred).
    """
    return binascii.b2a_base64(b"\x01" + os.urandom(21), newline=False).decode("ascii")


def _first(request: Request, rules: ChatRules) -> tuple[ReadBody | None, str | None]:
    if not has_first_message(request):
        return None, None
    try:
        return read_first_message(request, prefer=rules.prefer), None
    except RemoteProtocolError as error:
        return None, error.reason


def _other_body(request: Request, media_type: MediaType | None, rules: ChatRules) -> InviteRefusal | None:
    """The refusal of an INVITE whose body, or whose first text, says that it is no chat."""
    name = media_type.name if media_type is not None else sdp.CONTENT_TYPE
    if name == CONFERENCE:
        return _refusal(Kind.CONFERENCE, rules.conference, "It invites to a conference.", rules)
    if name == OLD_FILE_TRANSFER or _first_type(request) == OLD_FILE_TRANSFER:
        return _refusal(Kind.FILE_TRANSFER, rules.file_transfer, "It offers a file in the old way.", rules)
    if name == FILE_TRANSFER:
        return _refusal(Kind.FILE_TRANSFER, rules.file_transfer, "It offers a file.", rules)
    if media_type is not None and name in ("multipart/mixed", "multipart/alternative"):
        return _several(read_multipart(media_type, request.body), rules)
    if name == sdp.CONTENT_TYPE or not request.body:
        return None
    return _unknown(name)


def _first_type(request: Request) -> str | None:
    text = request.headers.get("ms-text-format")
    return None if text is None else text.partition(";")[0].strip().lower()


def _several(parts: list[Part], rules: ChatRules) -> InviteRefusal:
    """A body of several parts: a file offer, or media in more than one description."""
    names = [MediaType.parse(part.content_type).name for part in parts]
    if FILE_TRANSFER in names:
        return _refusal(Kind.FILE_TRANSFER, rules.file_transfer, "It offers a file.", rules)
    if sdp.CONTENT_TYPE not in names:
        return _unknown(", ".join(names))
    media: dict[str, None] = {}
    for name, part in zip(names, parts, strict=True):
        if name == sdp.CONTENT_TYPE:
            found = sdp.parse_im_sdp(part.content)
            media.update(dict.fromkeys(found.media if isinstance(found, sdp.ImRefusal) else (found.media,)))
    shown = ", ".join(one[:40] for one in media) or "no medium"
    return _refusal(Kind.MEDIA, rules.media, f"It offers {shown} in several session descriptions.", rules)


def _unknown(names: str) -> InviteRefusal:
    sentence = f"Its body is {names[:200]}, which is not understood here."
    accept = (("Accept", sdp.CONTENT_TYPE),)
    return InviteRefusal(Kind.UNKNOWN, 415, "Unsupported Media Type", sentence, accept)


def _refusal(kind: Kind, answer: RefusalAnswer, sentence: str, rules: ChatRules) -> InviteRefusal:
    headers = []
    if answer.warning is not None:
        code, text = answer.warning
        headers.append(("Warning", f"{code} {rules.warning_agent} {quote(text)}"))
    return InviteRefusal(kind, answer.status, answer.reason, sentence, tuple(headers))
