"""Write and read `application/xpidf+xml`, the presence of the first RTC clients (MS-SIP 2.2.2, 4.11)."""

from __future__ import annotations

from simulator.markup import attribute, child, content, parse
from simulator.presence.mapping import GENERIC, PresenceMapping
from simulator.presence.state import Availability, PresenceDocument, PresenceState
from simulator.presence.values import uri_of

CONTENT_TYPE = "application/xpidf+xml"

DOCTYPE = '<!DOCTYPE presence PUBLIC "-//IETF//DTD RFCxxxx XPIDF 1.0//EN" "xpidf.dtd">'
"Named and never fetched; a reader takes any DOCTYPE that declares nothing."

_SUBSTATUS = ("msnsubstatus", "msnstatus")
"The element, and in the specification's own example the attribute, goes by both names."


def as_seen(state: PresenceState, mapping: PresenceMapping = GENERIC) -> PresenceState:
    """What a watcher still sees of a state that came in this format."""
    return mapping.state_of_xpidf(*mapping.xpidf_of(state.trimmed()))


def write(state: PresenceState, entity: str, *, mapping: PresenceMapping = GENERIC) -> bytes:
    """A document about `entity`; it carries neither note nor name. Raises LocalProtocolError for an impossible URI."""
    status, substatus = mapping.xpidf_of(state.trimmed())
    uri = attribute(entity)
    return (
        f'<?xml version="1.0"?>\n{DOCTYPE}\n<presence><presentity uri="{uri};method=SUBSCRIBE"/>'
        f'<atom id="1002"><address uri="{uri}" priority="0.600000"><status status="{attribute(status)}"/>'
        f'<msnsubstatus substatus="{attribute(substatus)}"/></address></atom></presence>'
    ).encode()


def read(body: bytes, mapping: PresenceMapping = GENERIC) -> PresenceDocument:
    """What a document says: of several addresses the best reachable one counts; one without any is offline.

    Raises RemoteProtocolError for what is no such document or has a DOCTYPE that declares anything.
    """
    root = parse(body, "presence", what="presence document", doctype=True)
    presentity = child(root, "presentity")
    uri = presentity.get("uri", "").partition(";")[0] if presentity is not None else ""
    states = []
    for address in root.iterfind(".//{*}address"):
        status, substatus = child(address, "status"), None
        for name in _SUBSTATUS:
            substatus = child(address, name) if substatus is None else substatus
        word = (status.get("status") or content(status)) if status is not None else ""
        more = ""
        if substatus is not None:
            more = next(filter(None, map(substatus.get, ("substatus", *_SUBSTATUS, "status"))), None) or ""
        states.append(mapping.state_of_xpidf(word.strip().lower(), more.strip().lower()))
    absent = (Availability.OFFLINE, Availability.UNKNOWN)
    present = [state for state in states if state.availability not in absent]
    state = next(iter([*present, *states]), PresenceState(Availability.OFFLINE))
    return PresenceDocument(uri_of(uri), state)
