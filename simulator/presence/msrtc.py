"""Write and read `text/xml+msrtc.pidf`, the presence format of Live Communications Server (MS-SIP 2.2.1)."""

from __future__ import annotations

from dataclasses import replace

from simulator.markup import attribute, child, parse
from simulator.presence.mapping import GENERIC, PresenceMapping
from simulator.presence.scale import CALLABLE
from simulator.presence.state import Availability, PresenceDocument, PresenceState, trim
from simulator.presence.values import uri_of, whole_number

CONTENT_TYPE = "text/xml+msrtc.pidf"

NAMESPACE = "http://schemas.microsoft.com/2002/09/sip/presence"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def as_seen(state: PresenceState, mapping: PresenceMapping = GENERIC) -> PresenceState:
    """What a watcher still sees of a state that came in this format."""
    state = state.trimmed()
    seen = mapping.state_of(*mapping.classes_of(state))
    return replace(seen, note=state.note, display_name=state.display_name)


def write(
    state: PresenceState, entity: str, *, epid: str = "", age: int = 0, mapping: PresenceMapping = GENERIC
) -> bytes:
    """A document about `entity`, which is written without `sip:`; `epid` names the one device, which was seen `age`
    seconds ago. Raises LocalProtocolError for text that no XML document can hold.
    """
    state = state.trimmed()
    availability, activity = mapping.classes_of(state)
    device = f' epid="{attribute(epid)}"'
    name = f'<displayName displayName="{attribute(state.display_name)}"/>\n' if state.display_name else ""
    note = f' note="{attribute(state.note)}"' if state.note else ""
    word = "online" if availability >= CALLABLE else "offline"
    return (
        f'<presentity uri="{attribute(entity.removeprefix("sip:"))}" xmlns="{NAMESPACE}" xmlns:xsi="{XSI}">\n'
        f'<availability aggregate="{availability}" description=""{device}/>\n'
        f'<activity aggregate="{activity}" description=""{device}/>\n'
        f'{name}<devices><devicePresence{device} ageOfPresence="{age}">\n'
        f'<availability aggregate="{availability}" description="{word}"/>'
        f'<activity aggregate="{activity}" description=""{note}/>\n'
        f"</devicePresence></devices>\n</presentity>"
    ).encode()


def read(body: bytes, mapping: PresenceMapping = GENERIC) -> PresenceDocument:
    """What a document says; one that names no availability says `unknown`.

    Raises RemoteProtocolError for what is no such document, holds a DTD, or has a class that is no number.
    """
    root = parse(body, "presentity", what="presence document")
    devices = list(root.iterfind("{*}devices/{*}devicePresence"))
    state = PresenceState(Availability.UNKNOWN)
    for holder in (root, *devices):
        availability, activity = child(holder, "availability"), child(holder, "activity")
        if availability is not None:
            state = mapping.state_of(
                whole_number(availability.get("aggregate"), "The availability class"),
                whole_number(activity.get("aggregate"), "The activity class") if activity is not None else 0,
            )
            break
    notes = (trim(activity.get("note")) for holder in (root, *devices) for activity in holder.iterfind("{*}activity"))
    name = child(root, "displayName")
    state = replace(
        state,
        note=next(filter(None, notes), None),
        display_name=trim(name.get("displayName")) if name is not None else None,
    )
    return PresenceDocument(uri_of(root.get("uri")), state)
