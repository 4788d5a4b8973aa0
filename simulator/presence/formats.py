"""All formats of presence in one registry: which one to write, and reading whatever came (dialect facts §3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from simulator.errors import RemoteProtocolError
from simulator.presence import categories, msrtc, multipart, pidf, rlmi, xpidf
from simulator.presence.categories import Envelope
from simulator.presence.mapping import GENERIC, PresenceMapping
from simulator.presence.pidf import Layout
from simulator.presence.state import Availability, PresenceDocument, PresenceState
from simulator.sip.fields import MediaType

PREFERENCE = (categories.CONTENT_TYPE, msrtc.CONTENT_TYPE, pidf.CONTENT_TYPE)
"The order in which Microsoft's servers choose (MS-PRES 1.3.3); XPIDF is for peers without a server."


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one product writes its presence; a dialect holds one."""

    layout: Layout = "rfc4480"
    "Which PIDF."
    mapping: PresenceMapping = GENERIC
    "Which numbers and words."
    container: int = categories.EXTERNAL_CONTACTS
    "Of `application/msrtc-event-categories+xml`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One state on its way to one watcher, whatever the format."""

    state: PresenceState
    "What is said."
    entity: str
    "Of whom: `sip:user@domain`."
    published: datetime
    "When the state was published, with its time zone."
    version: int = 1
    "Counts the publications, from 1."
    before: PresenceState | None = None
    "What this watcher was told last: formats with partial updates then say only what has changed."
    categories: Iterable[str] = tuple(categories.NAMES)
    "The categories that the watcher asked for."
    epid: str = ""
    "The id of the one device, for the format that names devices."


@dataclass(frozen=True, slots=True)
class Format:
    """One format of documents about one person."""

    content_type: str
    "The media type."
    write: Callable[[Publication, Style], bytes]
    "The document; raises LocalProtocolError for text that no XML document can hold."
    read: Callable[[bytes, PresenceMapping], PresenceDocument]
    "What a document says; raises RemoteProtocolError for whatever is none."
    as_seen: Callable[[PresenceState, Style], PresenceState]
    "What a watcher still sees of a state: exactly what `read` makes of what `write` wrote."


def _write_categories(said: Publication, style: Style) -> bytes:
    return categories.write(
        said.state,
        said.entity,
        Envelope(said.published, said.version, style.container),
        before=said.before,
        names=tuple(said.categories),
        mapping=style.mapping,
    )


FORMATS: Mapping[str, Format] = {
    known.content_type: known
    for known in (
        Format(
            categories.CONTENT_TYPE,
            _write_categories,
            categories.read,
            lambda state, style: categories.as_seen(state, style.mapping),
        ),
        Format(
            msrtc.CONTENT_TYPE,
            lambda said, style: msrtc.write(said.state, said.entity, epid=said.epid, mapping=style.mapping),
            msrtc.read,
            lambda state, style: msrtc.as_seen(state, style.mapping),
        ),
        Format(
            pidf.CONTENT_TYPE,
            lambda said, style: pidf.write(said.state, said.entity, layout=style.layout, mapping=style.mapping),
            pidf.read_document,
            lambda state, style: pidf.as_seen(state, style.layout, style.mapping),
        ),
        Format(
            xpidf.CONTENT_TYPE,
            lambda said, style: xpidf.write(said.state, said.entity, mapping=style.mapping),
            xpidf.read,
            lambda state, style: xpidf.as_seen(state, style.mapping),
        ),
    )
}
"Every format of a document about one person, by its media type."

READABLE = (*FORMATS, rlmi.CONTENT_TYPE, multipart.CONTENT_TYPE)
"Every media type that `read_documents` understands."


def choose(accept: Iterable[str], supported: Sequence[str] = PREFERENCE) -> str | None:
    """The media type that a notifier writes: the first of `supported` that Accept names, whatever order Accept has.

    `accept` holds the elements of the header, ranges such as `application/*` and `;q=0` included; without any it
    means PIDF (RFC 3856 §6.7). None where nothing fits, which the caller answers with 406. Raises RemoteProtocolError
    for an element that is no media type.
    """
    ranges = [MediaType.parse(element) for element in accept]
    if not ranges:
        return pidf.CONTENT_TYPE if pidf.CONTENT_TYPE in supported else None
    for content_type in supported:
        kind = content_type.partition("/")[0]
        for name in (content_type, f"{kind}/*", "*/*"):
            found = [element for element in ranges if element.name == name]
            if found:  # the most exact one that matches decides (RFC 3261 §20.1)
                if any(not _refused(element) for element in found):
                    return content_type
                break
    return None


def read_documents(
    body: bytes, content_type: str | MediaType | None, mapping: PresenceMapping = GENERIC
) -> tuple[PresenceDocument, ...]:
    """What the body of a notification says about each person: nobody where it is empty, several for a list (RLMI).

    Where a list gives no document for a person, `parts` is empty and only `subscription` counts. Raises
    RemoteProtocolError, with status_hint 415 for a type that is not in READABLE.
    """
    if not body:
        return ()
    if content_type is None:
        raise RemoteProtocolError("The notification has a body but no Content-Type.")
    media_type = content_type if isinstance(content_type, MediaType) else MediaType.parse(content_type)
    if media_type.name in (multipart.CONTENT_TYPE, rlmi.CONTENT_TYPE):
        listed = rlmi.read(body, media_type)
        return tuple(_of_resource(resource, mapping) for resource in listed.resources)
    return (_format_of(media_type).read(body, mapping),)


def _of_resource(resource: rlmi.Resource, mapping: PresenceMapping) -> PresenceDocument:
    about = {"subscription": resource.state, "reason": resource.reason, "pool": resource.pool}
    if not resource.body or resource.content_type is None:
        return PresenceDocument(resource.uri, PresenceState(Availability.UNKNOWN), frozenset(), **about)
    said = _format_of(MediaType.parse(resource.content_type)).read(resource.body, mapping)
    return PresenceDocument(resource.uri, said.state, said.parts, **about)


def _format_of(media_type: MediaType) -> Format:
    if media_type.name not in FORMATS:
        raise RemoteProtocolError(
            f"Presence came as {media_type.name[:80]}; what is understood is {', '.join(READABLE)}.", status_hint=415
        )
    return FORMATS[media_type.name]


def _refused(element: MediaType) -> bool:
    quality = (element.params.get("q") or "1").strip()
    return quality.strip("0.") == "" and quality != ""
