"""Write and read presence documents (PIDF, RFC 3863) in the layouts that federation partners speak."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from simulator.markup import DECLARATION, MAX_BYTES, attribute, content, local, parse, text
from simulator.presence.mapping import GENERIC, PresenceMapping
from simulator.presence.state import Availability, PresenceDocument, PresenceState
from simulator.presence.values import uri_of
from simulator.presence.words import RPID_ELEMENTS

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["CONTENT_TYPE", "MAX_BYTES", "Layout", "as_seen", "read", "read_document", "write"]

CONTENT_TYPE = "application/pidf+xml"

Layout = Literal["rpid-status", "rfc4480", "plain"]
"""`rpid-status`: activities as text inside <status>, as Microsoft's stack and its clients do (an early RPID draft);
`rfc4480`: activities as elements inside <dm:person>; `plain`: open or closed and nothing else."""

PIDF = "urn:ietf:params:xml:ns:pidf"
RPID_STATUS = "urn:ietf:params:xml:ns:pidf:status:rpid-status"
CIPID = "urn:ietf:params:xml:ns:pidf:cipid"
DATA_MODEL = "urn:ietf:params:xml:ns:pidf:data-model"
RPID = "urn:ietf:params:xml:ns:pidf:rpid"

_SPACES: dict[Layout, str] = {
    "rpid-status": f' xmlns:ep="{RPID_STATUS}"',
    "rfc4480": f' xmlns:dm="{DATA_MODEL}" xmlns:rpid="{RPID}"',
    "plain": "",
}


def as_seen(state: PresenceState, layout: Layout, mapping: PresenceMapping = GENERIC) -> PresenceState:
    """What a watcher still sees of a state that came in this layout: `read(write(state, ...))` gives exactly that."""
    state = state.trimmed()
    is_open = state.availability not in mapping.pidf_closed
    tokens = [] if layout == "plain" else _tokens(state, layout, mapping)
    note = state.note if mapping.pidf_note else None
    return replace(_state_of(is_open, tokens, mapping), note=note, display_name=state.display_name)


def write(
    state: PresenceState, entity: str, *, layout: Layout = "rpid-status", mapping: PresenceMapping = GENERIC
) -> bytes:
    """A document about `entity` (its URI, such as `sip:bob@fabrikam.test`), UTF-8 with XML declaration.

    Raises LocalProtocolError for text that no XML document can hold, such as control characters.
    """
    state = state.trimmed()
    spaces = _SPACES[layout] + (f' xmlns:ci="{CIPID}"' if state.display_name else "")
    inside, after = _activities_of(state, layout, mapping)
    note = f"<note>{text(state.note)}</note>" if state.note and mapping.pidf_note else ""
    name = f"<ci:display-name>{text(state.display_name)}</ci:display-name>" if state.display_name else ""
    basic = "closed" if state.availability in mapping.pidf_closed else "open"
    return (
        f'{DECLARATION}<presence xmlns="{PIDF}"{spaces} entity="{attribute(entity)}">'
        f'<tuple id="t0"><status><basic>{basic}</basic>{inside}</status></tuple>{note}{after}{name}</presence>'
    ).encode()


def read(body: bytes, mapping: PresenceMapping = GENERIC) -> PresenceState:
    """The state in a document of any layout; as `read_document`."""
    return read_document(body, mapping).state


def read_document(body: bytes, mapping: PresenceMapping = GENERIC) -> PresenceDocument:
    """What a document of any layout says; unknown elements are skipped, several tuples are joined.

    Nobody is available in a document without an open tuple. Raises RemoteProtocolError for what is no presence
    document, holds a DTD or is larger than MAX_BYTES.
    """
    root = parse(body, "presence", what="presence document")
    basics: list[str] = []
    tokens: list[str] = []
    notes: list[str] = []
    names: list[str] = []
    for element in root.iter("{*}*"):
        name = local(element)
        if name == "basic":
            basics.append(content(element).lower())
        elif name == "activities":
            tokens += _activities(element)
        elif name == "note" and not _inside_activities(element):
            notes.append(content(element))
        elif name == "display-name":
            names.append(content(element))
    state = replace(
        _state_of("open" in basics, tokens, mapping),
        note=next(filter(None, notes), None),
        display_name=next(filter(None, names), None),
    )
    return PresenceDocument(uri_of(root.get("entity")), state)


def _tokens(state: PresenceState, layout: Layout, mapping: PresenceMapping) -> list[str]:
    """The activities to write: first the word that every watcher understands, then the more exact one."""
    activity = state.activity
    if activity is not None and layout == "rfc4480":
        activity = mapping.rpid_words.get(activity, activity)
    return list(dict.fromkeys(token for token in (mapping.pidf_words[state.availability], activity) if token))


def _activities_of(state: PresenceState, layout: Layout, mapping: PresenceMapping) -> tuple[str, str]:
    """The activities as markup: what stands inside <status>, and what stands behind the tuple."""
    tokens = [] if layout == "plain" else _tokens(state, layout, mapping)
    if not tokens:
        return "", ""
    if layout == "rpid-status":
        inside = "".join(f"<ep:activity>{text(token)}</ep:activity>" for token in tokens)
        return f"<ep:activities>{inside}</ep:activities>", ""
    inside = "".join(
        f"<rpid:{token}/>" if token in RPID_ELEMENTS else f"<rpid:other>{text(token)}</rpid:other>" for token in tokens
    )
    return "", f'<dm:person id="p0"><rpid:activities>{inside}</rpid:activities></dm:person>'


def _state_of(is_open: bool, tokens: list[str], mapping: PresenceMapping) -> PresenceState:
    names = {word: token for token, word in mapping.rpid_words.items()}
    known = [names.get(token, token) for token in tokens]
    if not is_open:
        return PresenceState(Availability.OFFLINE, next(iter(known), None))
    implied = (mapping.pidf_implied[token] for token in known if token in mapping.pidf_implied)
    words = mapping.pidf_words.values()
    return PresenceState(
        next(implied, Availability.AVAILABLE), next((token for token in known if token not in words), None)
    )


def _inside_activities(element: _Element) -> bool:
    return any(local(parent) == "activities" for parent in element.iterancestors())


def _activities(activities: _Element) -> list[str]:
    """Both layouts at once: <activity>busy</activity> and <busy/>, and <other>off-work</other>."""
    found = []
    for child in activities.iterchildren("{*}*"):
        name = local(child)
        token = content(child) if name in ("activity", "other") else name
        if token and name != "note":
            found.append(token)
    return found
