"""Write and read presence documents (PIDF, RFC 3863) in the layouts that federation partners speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.presence.state import Availability, PresenceState

if TYPE_CHECKING:
    from lxml.etree import _Element

CONTENT_TYPE = "application/pidf+xml"
MAX_BYTES = 64 * 1024
"A larger document is refused unread."

Layout = Literal["rpid-status", "rfc4480", "plain"]
"""`rpid-status`: activities as text inside <status>, as Microsoft's stack and its clients do (an early RPID draft);
`rfc4480`: activities as elements inside <dm:person>; `plain`: open or closed and nothing else."""

PIDF = "urn:ietf:params:xml:ns:pidf"
RPID_STATUS = "urn:ietf:params:xml:ns:pidf:status:rpid-status"
CIPID = "urn:ietf:params:xml:ns:pidf:cipid"
DATA_MODEL = "urn:ietf:params:xml:ns:pidf:data-model"
RPID = "urn:ietf:params:xml:ns:pidf:rpid"

RPID_TOKENS = frozenset(
    "appointment away breakfast busy dinner holiday in-transit looking-for-work lunch meal meeting on-the-phone "  # noqa: SIM905 - a word list reads better as words
    "performance permanent-absence playing presentation shopping sleeping spectator steering travel tv unknown "
    "vacation working worship".split()
)
"The activities that RFC 4480 §3.2 names as elements; any other token travels as the text of <rpid:other>."

WORDS: dict[Availability, str | None] = {
    Availability.AVAILABLE: None,
    Availability.BUSY: "busy",
    Availability.DO_NOT_DISTURB: "busy",
    Availability.BE_RIGHT_BACK: "away",
    Availability.AWAY: "away",
    Availability.OFFLINE: None,
}
"The activity that carries each state: a Microsoft watcher of PIDF understands these two words only."

IMPLIED: dict[str, Availability] = {
    "busy": Availability.BUSY,
    "away": Availability.AWAY,
    "appointment": Availability.BUSY,
    "in-a-conference": Availability.BUSY,
    "in-a-meeting": Availability.BUSY,
    "in-presentation": Availability.BUSY,
    "meeting": Availability.BUSY,
    "on-the-phone": Availability.BUSY,
    "presentation": Availability.BUSY,
    "urgent-interruptions-only": Availability.BUSY,
    "holiday": Availability.AWAY,
    "lunch": Availability.AWAY,
    "meal": Availability.AWAY,
    "off-work": Availability.AWAY,
    "out-of-office": Availability.AWAY,
    "permanent-absence": Availability.AWAY,
    "sleeping": Availability.AWAY,
    "vacation": Availability.AWAY,
}
"What an activity says of somebody whose status is open."


def as_seen(state: PresenceState, layout: Layout) -> PresenceState:
    """What a watcher still sees of a state that came in this layout: `read(write(state, ...))` gives exactly that."""
    note = state.note.strip() or None if state.note else None
    if layout == "plain":
        offline = state.availability is Availability.OFFLINE
        return PresenceState(Availability.OFFLINE if offline else Availability.AVAILABLE, None, note)
    return _state_of(state.availability is not Availability.OFFLINE, _tokens(state), note)


def write(
    state: PresenceState, entity: str, *, layout: Layout = "rpid-status", display_name: str | None = None
) -> bytes:
    """A document about `entity` (its URI, such as `sip:bob@fabrikam.test`), UTF-8 with XML declaration.

    Raises LocalProtocolError for text that no XML document can hold, such as control characters.
    """
    try:
        return _write(state, entity, layout, display_name)
    except ValueError as error:
        raise LocalProtocolError(f"Presence of {entity!r} does not fit into XML: {error}.") from error


def read(body: bytes) -> PresenceState:
    """The state in a document of any layout; unknown elements are skipped, several tuples are joined.

    Nobody is available in a document without an open tuple. Raises RemoteProtocolError for what is no presence
    document, holds a DTD or is larger than MAX_BYTES.
    """
    root = _parse(body)
    if _local(root) != "presence":
        raise RemoteProtocolError(f"A presence document begins with <presence>, not with <{_local(root)[:40]}>.")
    basics: list[str] = []
    tokens: list[str] = []
    notes: list[str] = []
    for element in root.iter("{*}*"):
        name = _local(element)
        if name == "basic":
            basics.append(_text(element).lower())
        elif name == "activities":
            tokens += _activities(element)
        elif name == "note" and not _inside_activities(element):
            notes.append(_text(element))
    return _state_of("open" in basics, tokens, next(filter(None, notes), None))


def _tokens(state: PresenceState) -> list[str]:
    """The activities to write: first the word that every watcher understands, then the more exact one."""
    activity = state.activity.strip() if state.activity else ""
    return list(dict.fromkeys(token for token in (WORDS[state.availability], activity) if token))


def _state_of(is_open: bool, tokens: list[str], note: str | None) -> PresenceState:
    availability = Availability.AVAILABLE if is_open else Availability.OFFLINE
    if is_open:
        availability = next((IMPLIED[token] for token in tokens if token in IMPLIED), availability)
    words = {word for word in WORDS.values() if word} if is_open else set()
    return PresenceState(availability, next((token for token in tokens if token not in words), None), note)


def _write(state: PresenceState, entity: str, layout: Layout, display_name: str | None) -> bytes:
    from lxml import etree

    spaces: dict[str | None, str] = {None: PIDF}
    if layout == "rpid-status":
        spaces |= {"ep": RPID_STATUS}
    elif layout == "rfc4480":
        spaces |= {"dm": DATA_MODEL, "rpid": RPID}
    if display_name is not None:
        spaces |= {"ci": CIPID}
    known_to_stubs = cast("dict[str, str]", spaces)  # the stubs do not know that None is the default namespace
    root = etree.Element(f"{{{PIDF}}}presence", {"entity": entity}, nsmap=known_to_stubs)
    entry = etree.SubElement(root, f"{{{PIDF}}}tuple", {"id": "t0"})
    status = etree.SubElement(entry, f"{{{PIDF}}}status")
    basic = etree.SubElement(status, f"{{{PIDF}}}basic")
    basic.text = "closed" if state.availability is Availability.OFFLINE else "open"
    if state.note and state.note.strip():
        etree.SubElement(root, f"{{{PIDF}}}note").text = state.note.strip()
    tokens = _tokens(state)
    if tokens and layout == "rpid-status":
        activities = etree.SubElement(status, f"{{{RPID_STATUS}}}activities")
        for token in tokens:
            etree.SubElement(activities, f"{{{RPID_STATUS}}}activity").text = token
    elif tokens and layout == "rfc4480":
        person = etree.SubElement(root, f"{{{DATA_MODEL}}}person", {"id": "p0"})
        activities = etree.SubElement(person, f"{{{RPID}}}activities")
        for token in tokens:
            known = token in RPID_TOKENS
            element = etree.SubElement(activities, f"{{{RPID}}}{token if known else 'other'}")
            element.text = None if known else token
    if display_name is not None:
        etree.SubElement(root, f"{{{CIPID}}}display-name").text = display_name
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _parse(body: bytes) -> _Element:
    from lxml import etree

    if len(body) > MAX_BYTES:
        raise RemoteProtocolError(
            f"A presence document of {len(body)} bytes is over the limit of {MAX_BYTES}.", status_hint=413
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RemoteProtocolError(f"The presence document is not well-formed XML: {error}.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise RemoteProtocolError("The presence document holds a DTD, which no presence format needs.")
    return root


def _local(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: _Element) -> str:
    return "".join(str(piece) for piece in element.itertext()).strip()


def _inside_activities(element: _Element) -> bool:
    return any(_local(parent) == "activities" for parent in element.iterancestors())


def _activities(activities: _Element) -> list[str]:
    """Both layouts at once: <activity>busy</activity> and <busy/>, and <other>off-work</other>."""
    found = []
    for child in activities.iterchildren("{*}*"):
        name = _local(child)
        token = _text(child) if name in ("activity", "other") else name
        if token and name != "note":
            found.append(token)
    return found
