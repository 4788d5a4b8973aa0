"""XML in the bodies of messages: texts written safely, documents of strangers read with nothing to be expanded."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from lxml.etree import XMLParser, _Element

MAX_BYTES = 64 * 1024
"A larger document is refused unread, unless its format allows more."

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"Characters that XML 1.0 §2.2 leaves out, also as character references."
_IN_TEXT = re.compile("[&<>\r]")
_IN_ATTRIBUTE = re.compile('[&<>"\t\n\r]')
_WRITTEN = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def check_text(value: str) -> str:
    """The text itself; LocalProtocolError for a character that no XML document can hold (XML 1.0 §2.2)."""
    found = _IMPOSSIBLE.search(value)
    if found is not None:
        raise LocalProtocolError(
            f"The text {value[:40]!r} does not fit into XML: character {found.start() + 1} is U+{ord(found[0]):04X}, "
            "which no XML document can hold; leave it out."
        )
    return value


def text(value: str) -> str:
    """The text as it stands between tags. Raises LocalProtocolError as `check_text` does."""
    return _IN_TEXT.sub(_reference, check_text(value))


def attribute(value: str) -> str:
    """The text as it stands between double quotes, line ends and tabs kept. Raises LocalProtocolError."""
    return _IN_ATTRIBUTE.sub(_reference, check_text(value))


def _reference(found: re.Match[str]) -> str:
    return _WRITTEN[found[0]]


def parse(
    body: bytes, root: str | None = None, *, what: str = "XML body", doctype: bool = False, limit: int = MAX_BYTES
) -> _Element:
    """The root element of a document, which must have the local name `root`, where one is given, in any namespace.

    `what` is what an error calls the document. With `doctype` a DOCTYPE that declares nothing is allowed; what it names
    is never fetched. Raises RemoteProtocolError for everything else, deeper nesting than the parser allows (256) too,
    with status_hint 413 for more than `limit` bytes.
    """
    from lxml import etree

    if len(body) > limit:
        raise RemoteProtocolError(f"The {what} of {len(body)} bytes is over the limit of {limit}.", status_hint=413)
    try:
        found = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RemoteProtocolError(f"The {what} is not well-formed XML: {error}.") from error
    dtd: Any = found.getroottree().docinfo.internalDTD  # the stubs do not know what a DTD declares
    if dtd is not None:
        if not doctype:
            raise RemoteProtocolError(f"The {what} holds a DTD, which this format does not need.")
        if next(iter(dtd.iterentities()), None) is not None or next(iter(dtd.iterelements()), None) is not None:
            raise RemoteProtocolError(f"The DTD of the {what} declares something, which is not accepted.")
    if root is not None and local(found) != root:
        raise RemoteProtocolError(f"The document begins with <{local(found)[:40]}>, not with <{root}>.")
    return found


@cache
def _parser() -> XMLParser:
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )


def local(element: _Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def all_text(element: _Element | None) -> str:
    """All text inside an element, as it stands there; empty where there is no element."""
    if element is None:
        return ""
    return (element.text or "") if len(element) == 0 else "".join(str(piece) for piece in element.itertext())


def content(element: _Element | None) -> str:
    """All text inside an element, without blanks around it; empty where there is no element."""
    return all_text(element).strip()


def child(element: _Element, name: str) -> _Element | None:
    """The first child of this local name, in whatever namespace."""
    return next(element.iterchildren(f"{{*}}{name}"), None)
