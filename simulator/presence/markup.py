"""XML as presence formats need it: texts written safely, documents of strangers read with nothing to be expanded."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from lxml.etree import XMLParser, _Element

MAX_BYTES = 64 * 1024
"A larger document about one person is refused unread."

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


def parse(body: bytes, root: str, *, doctype: bool = False, limit: int = MAX_BYTES) -> _Element:
    """The root element of a document, which must have this local name in whatever namespace.

    With `doctype` a DOCTYPE that declares nothing is allowed; what it names is never fetched. Raises
    RemoteProtocolError for everything else, with status_hint 413 for more than `limit` bytes.
    """
    from lxml import etree

    if len(body) > limit:
        raise RemoteProtocolError(
            f"A presence document of {len(body)} bytes is over the limit of {limit}.", status_hint=413
        )
    try:
        found = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RemoteProtocolError(f"The presence document is not well-formed XML: {error}.") from error
    dtd: Any = found.getroottree().docinfo.internalDTD  # the stubs do not know what a DTD declares
    if dtd is not None:
        if not doctype:
            raise RemoteProtocolError("The presence document holds a DTD, which this presence format does not need.")
        if next(iter(dtd.iterentities()), None) is not None or next(iter(dtd.iterelements()), None) is not None:
            raise RemoteProtocolError("The DTD of the presence document declares something, which is not accepted.")
    if local(found) != root:
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


def content(element: _Element) -> str:
    """All text inside an element, without blanks around it."""
    if len(element) == 0:
        return (element.text or "").strip()
    return "".join(str(piece) for piece in element.itertext()).strip()


def child(element: _Element, name: str) -> _Element | None:
    """The first child of this local name, in whatever namespace."""
    return next(element.iterchildren(f"{{*}}{name}"), None)


def whole_number(value: str | None, what: str) -> int:
    """A number as documents carry it; RemoteProtocolError names `what` where it is none."""
    if value is None or re.fullmatch(r"\s*-?[0-9]{1,9}\s*", value) is None:
        raise RemoteProtocolError(f"{what} is {(value or '')[:40]!r}, not a whole number of at most nine digits.")
    return int(value)


def uri_of(value: str | None) -> str | None:
    """A URI with its scheme: AOL and Microsoft's older format leave `sip:` out (dialect facts §3.4 c, d)."""
    value = (value or "").strip()
    if not value:
        return None
    scheme, colon, _ = value.partition(":")
    return value if colon and "@" not in scheme else f"sip:{value}"
