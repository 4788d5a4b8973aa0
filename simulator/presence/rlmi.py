"""Write and read `application/rlmi+xml` in `multipart/related`: the presence of several at once (RFC 4662 §5)."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import RemoteProtocolError
from simulator.markup import attribute, child, parse
from simulator.presence import multipart
from simulator.presence.values import uri_of, whole_number
from simulator.sip.fields import MediaType

CONTENT_TYPE = "application/rlmi+xml"
RESOURCE_LIST = "resourceList"
"The Content-ID of the list itself, as Microsoft writes it (MS-SIP 4.3)."

NAMESPACE = "urn:ietf:params:xml:ns:rlmi"

MAX_LIST = 1_000_000
"Bytes of the list of resources; a larger one is refused."


@dataclass(frozen=True, slots=True)
class Resource:
    """One person of a list, with at most one instance."""

    uri: str
    "Of the person, with its scheme."
    state: str | None = "active"
    "Of the subscription: `active`, `pending`, `terminated`, `resubscribe`; None for a resource without an instance."
    body: bytes = b""
    "The document about the person; empty for none."
    content_type: str | None = None
    "The media type of the document."
    reason: str | None = None
    "Why the subscription was terminated."
    pool: str | None = None
    "With `resubscribe`: the pool to ask next (`poolFqdn`)."


@dataclass(frozen=True, slots=True)
class ResourceList:
    """A list of people and what is known about each."""

    uri: str
    "Of the list, which for Microsoft is that of the watcher."
    resources: tuple[Resource, ...]
    version: int = 0
    "Counts the lists of one subscription, from 0."
    full: bool = True
    "Whether every person of the subscription is in it."


def write(resources: ResourceList, *, boundary: str | None = None) -> tuple[bytes, str]:
    """The body and its Content-Type; a Content-ID is the person's URI without `sip:`.

    Raises LocalProtocolError for texts that no XML document or header can hold.
    """
    rows = []
    parts = []
    for resource in resources.resources:
        cid = resource.uri.removeprefix("sip:")
        rows.append(f'<resource uri="{attribute(resource.uri)}">{_instance(resource, cid)}</resource>')
        if resource.body and resource.content_type is not None:
            parts.append(multipart.Part(cid, resource.content_type, resource.body))
    listed = (
        f'<list xmlns="{NAMESPACE}" uri="{attribute(resources.uri)}" version="{resources.version}" '
        f'fullState="{"true" if resources.full else "false"}">{"".join(rows)}</list>'
    )
    root = multipart.Part(RESOURCE_LIST, CONTENT_TYPE, listed.encode())
    return multipart.write([root, *parts], root_type=CONTENT_TYPE, boundary=boundary)


def read(body: bytes, content_type: str | MediaType) -> ResourceList:
    """A list from a body of several parts, or from one that is the list alone.

    An instance whose document is missing has an empty body. Raises RemoteProtocolError for everything that is no
    such list.
    """
    media_type = content_type if isinstance(content_type, MediaType) else MediaType.parse(content_type)
    if media_type.name != multipart.CONTENT_TYPE:
        return _list(body, {})
    root, *parts = multipart.read(body, media_type)
    if MediaType.parse(root.content_type).name != CONTENT_TYPE:
        raise RemoteProtocolError(f"The body begins with {root.content_type[:80]!r}, not with {CONTENT_TYPE}.")
    return _list(root.content, {part.content_id: part for part in parts if part.content_id})


def _instance(resource: Resource, cid: str) -> str:
    if resource.state is None:
        return ""
    names = {"state": resource.state, "reason": resource.reason, "poolFqdn": resource.pool}
    if resource.body:
        names["cid"] = cid
    written = "".join(f' {name}="{attribute(value)}"' for name, value in names.items() if value is not None)
    return f'<instance id="0"{written}/>'


def _list(body: bytes, parts: dict[str, multipart.Part]) -> ResourceList:
    root = parse(body, "list", what="presence document", limit=MAX_LIST)
    resources = []
    for resource in root.iterchildren("{*}resource"):
        uri = uri_of(resource.get("uri"))
        if uri is None:
            raise RemoteProtocolError("A <resource> of the list has no uri.")
        instance = child(resource, "instance")
        if instance is None:
            resources.append(Resource(uri, None))
            continue
        part = parts.get(multipart.bare_id(instance.get("cid", "")))
        resources.append(
            Resource(
                uri,
                instance.get("state", "active").strip().lower(),
                part.content if part is not None else b"",
                part.content_type if part is not None else None,
                instance.get("reason"),
                instance.get("poolFqdn"),
            )
        )
    version = whole_number(root.get("version", "0"), "The version of the list")
    full = root.get("fullState", "true").strip().lower() in ("true", "1")
    return ResourceList(uri_of(root.get("uri")) or "", tuple(resources), version, full)
