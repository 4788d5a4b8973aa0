"""Write and read `application/msrtc-event-categories+xml`, Microsoft's enhanced presence (MS-PRES 4.4.3)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from simulator.errors import LocalProtocolError
from simulator.markup import attribute, child, content, parse, text
from simulator.presence.mapping import GENERIC, PresenceMapping
from simulator.presence.scale import family
from simulator.presence.state import Availability, NoteType, Part, PresenceDocument, PresenceState, trim
from simulator.presence.values import uri_of, whole_number

if TYPE_CHECKING:
    from lxml.etree import _Element

CONTENT_TYPE = "application/msrtc-event-categories+xml"

CATEGORIES = "http://schemas.microsoft.com/2006/09/sip/categories"
STATE = "http://schemas.microsoft.com/2006/09/sip/state"
NOTE = "http://schemas.microsoft.com/2006/09/sip/note"
CONTACT_CARD = "http://schemas.microsoft.com/2006/09/sip/contactcard"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

NAMES: dict[str, Part] = {"state": Part.STATE, "note": Part.NOTE, "contactCard": Part.CARD}
"The categories that are understood here, in the order in which they are written."

EXTERNAL_CONTACTS = 100
"The container that an ordinary federated watcher sees (dialect facts §3.4 a)."
LCID = 1033
"The language that a free text of an activity claims: English (United States)."

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"An activity that is written as token; any other text travels as <custom>."


class Envelope(NamedTuple):
    """What surrounds every category of one document."""

    published: datetime
    "When the state was published, with its time zone."
    version: int = 1
    "Counts the publications of a category, from 1."
    container: int = EXTERNAL_CONTACTS
    "Which of the owner's containers the watcher sees: 100, 200, 300, 400; 32000 is for blocked ones (from memory)."


def as_seen(state: PresenceState, mapping: PresenceMapping = GENERIC) -> PresenceState:
    """What a watcher still sees of a state that came in this format: all but the fractions of a second."""
    state = state.trimmed()
    availability = mapping.availability_of(mapping.number_of(state))
    last = _utc(state.last_active).replace(microsecond=0, tzinfo=UTC) if state.last_active else None
    return replace(state, availability=availability, last_active=last)


def write(
    state: PresenceState,
    entity: str,
    envelope: Envelope,
    *,
    before: PresenceState | None = None,
    names: Collection[str] = tuple(NAMES),
    mapping: PresenceMapping = GENERIC,
) -> bytes:
    """A document about `entity`: all categories among `names`, or those that have changed since `before`.

    A category without content is an empty element, which clears it at the watcher. Where nothing changed all are
    written. Raises LocalProtocolError for text that no XML document can hold.
    """
    state = state.trimmed()
    wanted = [name for name in NAMES if name in names]
    if before is not None:
        before = before.trimmed()
        changed = [name for name in wanted if _differ(state, before, NAMES[name])]
        wanted = changed or wanted
    writers = {"state": _state, "note": _note, "contactCard": _contact_card}
    inside = "".join(_category(name, writers[name](state, mapping), envelope) for name in wanted)
    return f'<categories xmlns="{CATEGORIES}" uri="{attribute(entity)}">{inside}</categories>'.encode()


def read(body: bytes, mapping: PresenceMapping = GENERIC) -> PresenceDocument:
    """What a document says; its `parts` are the categories that it names, known ones only.

    Of several publications of one category the aggregate one counts, then the newest. Raises RemoteProtocolError for
    what is no such document, holds a DTD, or has an availability that is no number.
    """
    root = parse(body, "categories", what="presence document")
    newest: dict[str, _Element] = {}
    for category in root.iterchildren("{*}category"):
        name = category.get("name", "")
        if name in NAMES and (name not in newest or _rank(category) >= _rank(newest[name])):
            newest[name] = category
    state = PresenceState(Availability.UNKNOWN)
    if "state" in newest:
        state = _read_state(newest["state"], mapping)
    if "note" in newest:
        state = _read_note(newest["note"], state)
    if "contactCard" in newest:
        found = next(newest["contactCard"].iter("{*}displayName"), None)
        state = replace(state, display_name=trim(content(found)) if found is not None else None)
    return PresenceDocument(uri_of(root.get("uri")), state, frozenset(NAMES[name] for name in newest))


def _differ(state: PresenceState, before: PresenceState, part: Part) -> bool:
    return any(getattr(state, name) != getattr(before, name) for name in part.value)


def _category(name: str, inside: str, envelope: Envelope) -> str:
    if not inside:
        return f'<category name="{name}"/>'
    published = _utc(envelope.published).isoformat(timespec="milliseconds")
    instance, more = ("1", ' expireType="user"') if name == "state" else ("0", "")
    return (
        f'<category name="{name}" instance="{instance}" publishTime="{published}" container="{envelope.container}" '
        f'version="{envelope.version}"{more}>{inside}</category>'
    )


def _state(state: PresenceState, mapping: PresenceMapping) -> str:
    number = mapping.number_of(state)
    last = ""
    if state.last_active is not None:
        last = f' lastActive="{_utc(state.last_active).isoformat(timespec="seconds")}Z"'
    device = f"<device>{text(state.device)}</device>" if state.device else ""
    return (
        f'<state xmlns="{STATE}" xmlns:xsi="{XSI}" xsi:type="aggregateState"{last}>'
        f"<availability>{number}</availability>{_activity(state, mapping)}{device}</state>"
    )


def _activity(state: PresenceState, mapping: PresenceMapping) -> str:
    """The activity with the numbers for which it holds: those of the state, idle or not."""
    if state.activity is None:
        return ""
    bounds = ""
    if state.availability is not Availability.UNKNOWN:
        first = mapping.number_of(replace(state, availability=state.availability.without_idle))
        last = family(state.availability)[1]
        bounds = f' minAvailability="{first}"' + (f' maxAvailability="{last}"' if last is not None else "")
    if _TOKEN.fullmatch(state.activity):
        return f'<activity token="{state.activity}"{bounds}/>'
    return f'<activity{bounds}><custom LCID="{LCID}">{text(state.activity)}</custom></activity>'


def _note(state: PresenceState, _mapping: PresenceMapping) -> str:
    if not state.note:
        return ""
    return f'<note xmlns="{NOTE}"><body type="{state.note_type}" uri="">{text(state.note)}</body></note>'


def _contact_card(state: PresenceState, _mapping: PresenceMapping) -> str:
    if not state.display_name:
        return ""
    name = f"<name><displayName>{text(state.display_name)}</displayName></name>"
    return f'<contactCard xmlns="{CONTACT_CARD}"><identity>{name}</identity></contactCard>'


def _rank(category: _Element) -> tuple[bool, str]:
    inside = child(category, "state")
    aggregate = inside is not None and (inside.get(f"{{{XSI}}}type") or "").rpartition(":")[2] == "aggregateState"
    return aggregate, category.get("publishTime", "")


def _read_state(category: _Element, mapping: PresenceMapping) -> PresenceState:
    inside = child(category, "state")
    availability = child(inside, "availability") if inside is not None else None
    if inside is None or availability is None:
        return PresenceState(Availability.UNKNOWN)
    number = whole_number(content(availability), "The availability")
    device = child(inside, "device")
    return PresenceState(
        mapping.availability_of(number),
        _read_activity(child(inside, "activity"), number),
        device=trim(content(device)) if device is not None else None,
        last_active=_time(inside.get("lastActive")),
    )


def _read_activity(activity: _Element | None, number: int) -> str | None:
    """The activity, if the availability lies in the range for which it was published."""
    if activity is None:
        return None
    lowest, highest = activity.get("minAvailability"), activity.get("maxAvailability")
    if lowest is not None and number < whole_number(lowest, "minAvailability"):
        return None
    if highest is not None and number > whole_number(highest, "maxAvailability"):
        return None
    custom = child(activity, "custom")
    return trim(activity.get("token")) or (trim(content(custom)) if custom is not None else None)


def _read_note(category: _Element, state: PresenceState) -> PresenceState:
    body = next(category.iter("{*}body"), None)
    note = trim(content(body)) if body is not None else None
    if body is None or note is None:
        return state
    kind = NoteType.OOF if body.get("type", "").upper() == "OOF" else NoteType.PERSONAL
    return replace(state, note=note, note_type=kind)


def _utc(moment: datetime) -> datetime:
    """The moment in UTC, without saying so."""
    if moment.tzinfo is None:
        raise LocalProtocolError(f"The moment {moment} of a presence document has no time zone; give it one.")
    return moment.astimezone(UTC).replace(tzinfo=None)


def _time(value: str | None) -> datetime | None:
    """A moment as ISO 8601 writes it, in UTC where it names no zone; None for anything else."""
    try:
        found = datetime.fromisoformat((value or "").strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
