"""Who is typing: KeyboardActivity of Microsoft's clients and isComposing (dialect facts §4.4, RFC 3994)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from simulator import markup
from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.fields import MediaType

if TYPE_CHECKING:
    from lxml.etree import _Element

KEYBOARD_ACTIVITY = "application/xml"
"Media type of an INFO with KeyboardActivity."
IS_COMPOSING = "application/im-iscomposing+xml"
"Media type of a MESSAGE with isComposing (RFC 3994 §8.1)."
NAMESPACE = "urn:ietf:params:xml:ns:im-iscomposing"

ComposingFormat = Literal["info", "iscomposing"]
"`info`: KeyboardActivity in an INFO; `iscomposing`: RFC 3994 in a MESSAGE."


@dataclass(frozen=True, slots=True)
class Composing:
    """What one side says of its own typing."""

    active: bool
    "Whether something is being typed."
    content_type: str | None = None
    "What is being composed, such as `text/plain`; isComposing only."
    refresh: int | None = None
    "Seconds for which this holds unless it is said again; isComposing only, None where the peer does not say."
    last_active: datetime | None = None
    "When the last key was pressed, in UTC and whole seconds; isComposing only."


def write_composing(composing: Composing, form: ComposingFormat) -> tuple[str, str, bytes]:
    """The method, the Content-Type value and the body that say it.

    KeyboardActivity holds `active` alone. Raises LocalProtocolError for values that the format cannot hold.
    """
    if form == "info":
        status = "type" if composing.active else "idle"
        body = f'<?xml version="1.0"?><KeyboardActivity><status status="{status}"/></KeyboardActivity>'
        return "INFO", KEYBOARD_ACTIVITY, body.encode("ascii")
    return "MESSAGE", IS_COMPOSING, _write_is_composing(composing)


def is_composing_type(content_type: str | None) -> bool:
    """Whether a body of this media type (without parameters, lower case) is for `read_composing`."""
    return content_type in (KEYBOARD_ACTIVITY, IS_COMPOSING)


def read_composing(content_type: str | MediaType, body: bytes) -> Composing:
    """What the peer says of its typing, in either format.

    A state or status that is not known means idle (RFC 3994 §3.5). Raises RemoteProtocolError: 415 for another type or
    another XML document, 400 for one that is broken, 413 for one that is too large.
    """
    media_type = content_type if isinstance(content_type, MediaType) else MediaType.parse(content_type)
    if not is_composing_type(media_type.name):
        raise RemoteProtocolError(f"A body of type {media_type.name[:80]!r} says nothing of typing.", status_hint=415)
    root = markup.parse(body)
    name = markup.local(root)
    if media_type.name == IS_COMPOSING:
        if name != "isComposing":
            raise RemoteProtocolError(f"A document of this type begins with <isComposing>, not with <{name[:40]}>.")
        return _read_is_composing(root)
    if name != "KeyboardActivity":
        raise RemoteProtocolError(f"The document <{name[:40]}> is not understood here.", status_hint=415)
    status = markup.child(root, "status")
    if status is None or "status" not in status.attrib:
        raise RemoteProtocolError("A KeyboardActivity has an element <status status=...>, and this one has none.")
    return Composing(str(status.get("status")).strip().lower() == "type")


def _write_is_composing(composing: Composing) -> bytes:
    if composing.refresh is not None and composing.refresh < 1:
        raise LocalProtocolError(f"The refresh interval is at least one second, not {composing.refresh}.")
    fields = [("state", "active" if composing.active else "idle")]
    if composing.last_active is not None:
        if composing.last_active.tzinfo is None:
            raise LocalProtocolError("The time of the last key needs a time zone.")
        moment = composing.last_active.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields.append(("lastactive", moment.zfill(20)))
    if composing.content_type is not None:
        fields.append(("contenttype", markup.text(composing.content_type)))
    if composing.refresh is not None:
        fields.append(("refresh", str(composing.refresh)))
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields)
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{head}\r\n<isComposing xmlns="{NAMESPACE}">{inside}</isComposing>'.encode()


def _read_is_composing(root: _Element) -> Composing:
    state = markup.child(root, "state")
    if state is None:
        raise RemoteProtocolError("An isComposing document has an element <state>, and this one has none.")
    refresh = markup.content(markup.child(root, "refresh"))
    if refresh and not _SECONDS.fullmatch(refresh):
        raise RemoteProtocolError(f"The refresh interval {refresh[:40]!r} is no number of seconds.")
    return Composing(
        markup.content(state).lower() == "active",
        markup.content(markup.child(root, "contenttype")) or None,
        int(refresh) if refresh else None,
        _moment(markup.content(markup.child(root, "lastactive"))),
    )


_SECONDS = re.compile("0{0,9}[1-9][0-9]{0,9}")


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise RemoteProtocolError(f"The time {text[:40]!r} of the last key is not in the form of RFC 3339.") from error
