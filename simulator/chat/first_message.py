"""The first text of a chat inside its INVITE: `ms-text-format` and `ms-im-format` (dialect facts §4.1, §4.2, §8.4)."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import Literal

from simulator.chat.formats import PLAIN, PLAIN_TEXT, TEXTS, TextFormat
from simulator.chat.text import ReadBody, encode, read_body
from simulator.errors import RemoteProtocolError
from simulator.sip.fields import MediaType
from simulator.sip.message import Request, Response
from simulator.sip.values import FirstMessage

OFFERS = "ms-embedded-first-message"
"The option tag with which Lync and later say in `Supported` that they know of this."

Confirmation = Literal["ms-text-format", "ms-embedded-first-message", "either", "never"]
"""Which option tag in the `Supported` of the 200 says that the callee has consumed the text. `ms-text-format` is what
clients of 2005 to 2010 write and look for; whether later ones write `ms-embedded-first-message` is not known.
`never` is a caller that always sends the text again, and a callee that leaves it unread."""


class FirstMessageOutcome(Enum):
    """What became of the text in the INVITE."""

    DELIVERED = "the callee has consumed the text"
    SEND_AGAIN = "the session stands, and the text is still to be sent as a MESSAGE"
    REFUSED = "there is no session, and the text was not delivered"


def first_message_headers(text: str, forms: Sequence[TextFormat] = (PLAIN_TEXT,)) -> list[tuple[str, str]]:
    """The headers that carry `text`: `ms-text-format` for plain, an `ms-im-format` line for each HTML or RTF.

    The option tag OFFERS is the caller's to write. Raises LocalProtocolError as `encode` does.
    """
    media_types = dict.fromkeys(media_type for form in forms for media_type in form.media_types)
    return [_header(text, media_type) for media_type in media_types]


def has_first_message(request: Request) -> bool:
    """Whether the INVITE carries a first text in any form, readable or not."""
    return "ms-text-format" in request.headers or "ms-im-format" in request.headers


def read_first_message(request: Request, *, prefer: Sequence[str] = TEXTS) -> ReadBody | None:
    """The text in an INVITE; None where there is none. Of several forms the first of `prefer` that can be read is.

    Raises RemoteProtocolError where none can be (415 where all are of unknown types): a callee then does not confirm
    the text, and is sent it again as a MESSAGE.
    """
    lines = [*request.headers.get_all("ms-text-format"), *request.headers.get_all("ms-im-format")]
    if not lines:
        return None
    by_type: dict[str, str] = {}
    for line in lines:
        by_type.setdefault(MediaType.parse(line).name, line)
    failed: RemoteProtocolError | None = None
    for wanted in prefer:
        if wanted in by_type:
            try:
                return _read(by_type[wanted], tuple(by_type))
            except RemoteProtocolError as error:
                failed = failed or error
    if failed is not None:
        raise failed
    forms = ", ".join(by_type)[:200]
    raise RemoteProtocolError(f"No form of the first message is understood here: {forms}.", status_hint=415)


def _read(line: str, offered: tuple[str, ...]) -> ReadBody:
    first = FirstMessage.parse(line)
    if first.body is None:
        raise RemoteProtocolError(f"The first message as {first.media_type.name} has no ms-body.")
    return replace(read_body(first.media_type, first.body), offered=offered)


def confirming_options(confirmation: Confirmation) -> tuple[str, ...]:
    """The option tags, a `Supported` line each, with which a callee that consumed the text says so in its 200."""
    match confirmation:
        case "never":
            return ()
        case "either":
            return ("ms-text-format", OFFERS)
        case tag:
            return (tag,)


def first_message_outcome(response: Response, confirmation: Confirmation = "ms-text-format") -> FirstMessageOutcome:
    """What the final answer to an INVITE with a first text says about that text."""
    if response.status >= 300:
        return FirstMessageOutcome.REFUSED
    said = {option.lower() for option in response.supported}
    confirmed = not said.isdisjoint(confirming_options(confirmation))
    return FirstMessageOutcome.DELIVERED if confirmed else FirstMessageOutcome.SEND_AGAIN


def _header(text: str, media_type: str) -> tuple[str, str]:
    content_type, body = encode(text, TextFormat((media_type,)))
    name = "ms-text-format" if media_type == PLAIN else "ms-im-format"
    return name, f"{content_type}; ms-body={binascii.b2a_base64(body, newline=False).decode('ascii')}"
