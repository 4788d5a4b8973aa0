"""Read small XML bodies of peers, without entities, DTD or network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_BYTES = 64 * 1024
"A larger document is refused unread; a typing or delivery notification has a few hundred bytes."


def parse(body: bytes) -> _Element:
    """The root element. Raises RemoteProtocolError: 413 for a document over MAX_BYTES, 400 for one that is not
    well-formed, nests deeper than the parser allows (256), or holds a DTD.
    """
    from lxml import etree

    if len(body) > MAX_BYTES:
        raise RemoteProtocolError(
            f"An XML body of {len(body)} bytes is over the limit of {MAX_BYTES}.", status_hint=413
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RemoteProtocolError(f"The body is not well-formed XML: {error}.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise RemoteProtocolError("The XML body holds a DTD, which no chat needs.")
    return root


def local(element: _Element) -> str:
    """The name of an element without its namespace, which peers of this kind get wrong."""
    return str(element.tag).rpartition("}")[2]


def child(element: _Element, name: str) -> _Element | None:
    """The first child element of this name in any namespace."""
    return next((found for found in element.iterchildren("{*}*") if local(found) == name), None)


def all_text(element: _Element | None) -> str:
    """All text in an element, as it stands there; empty where there is no element."""
    return "" if element is None else "".join(str(piece) for piece in element.itertext())


def text(element: _Element | None) -> str:
    """All text in an element, trimmed."""
    return all_text(element).strip()


def check(*values: str) -> None:
    """Raise LocalProtocolError for text that no XML document can hold, such as control characters."""
    from lxml import etree

    probe = etree.Element("probe")
    for value in values:
        try:
            probe.text = value
        except ValueError as error:
            raise LocalProtocolError(f"{value!r} does not fit into XML: {error}.") from error
