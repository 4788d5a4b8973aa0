"""Whether a chat message arrived: the answer to MESSAGE, and delivery reports (dialect facts §4.5, [MS-CONFIM]).

In a chat of two the final response is the report, so that no partner sends such a document: it follows the 202 of a
conference. The reader and the writer are for tests that play one, or that look into what a server passes on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from simulator import markup
from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.message import Response

if TYPE_CHECKING:
    from lxml.etree import _Element

IMDN = "application/ms-imdn+xml"
"Media type of a delivery report in NOTIFY or BENOTIFY, which has no Event header."
NAMESPACE = "http://schemas.microsoft.com/rtc/2005/08/imdn"
MAX_RECIPIENTS = 1000
"A report of more recipients is refused; a conference of Skype for Business holds 250."


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of a message at one of its recipients."""

    uri: str
    "`sip:user@domain`."
    status: int
    "A SIP status: 200 for delivered."
    entries: tuple[tuple[str, str], ...] = ()
    "More about it, by key: `ms-diagnostics` has the value of that header."


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The document that follows a 202."""

    message_id: int
    "The `Message-Id` of the 202."
    recipients: tuple[Recipient, ...]


class DeliveryState(Enum):
    """What the final response to a MESSAGE says."""

    DELIVERED = "delivered"
    PENDING = "taken; a report follows"
    FAILED = "not delivered"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the final response to a MESSAGE says of its text."""

    state: DeliveryState
    message_id: int | None = None
    "Of a 202: the number by which its report will be known; None where it has none that can be read."


def delivery(response: Response) -> Delivery:
    """2xx is the delivery report of a chat of two; only 202 leaves it open, as a conference does."""
    if response.status >= 300:
        return Delivery(DeliveryState.FAILED)
    if response.status != 202:
        return Delivery(DeliveryState.DELIVERED)
    number = (response.headers.get("Message-Id") or "").strip()
    return Delivery(DeliveryState.PENDING, int(number) if _NUMBER.fullmatch(number) else None)


def write_imdn(message_id: int, recipients: Sequence[Recipient]) -> bytes:
    """The document, on one line as Microsoft's servers write it.

    Raises LocalProtocolError for numbers out of range and for text that no XML holds.
    """
    if not 0 <= message_id < 10**10 or any(not 100 <= one.status <= 699 for one in recipients):
        raise LocalProtocolError("A message id has up to ten digits, and a status is 100 to 699.")
    told = "".join(map(_written, recipients))
    return f'<imdn xmlns="{NAMESPACE}"><message-id>{message_id}</message-id>{told}</imdn>'.encode()


def read_imdn(body: bytes) -> DeliveryReport:
    """A delivery report; raises RemoteProtocolError for what is none (400, 413 where too large)."""
    root = markup.parse(body)
    if markup.local(root) != "imdn":
        raise RemoteProtocolError(f"A delivery report begins with <imdn>, not with <{markup.local(root)[:40]}>.")
    number = markup.content(markup.child(root, "message-id"))
    if not _NUMBER.fullmatch(number):
        raise RemoteProtocolError(f"A delivery report names the message by a number, not by {number[:40]!r}.")
    recipients = [found for found in root.iterchildren("{*}*") if markup.local(found) == "recipient"]
    if len(recipients) > MAX_RECIPIENTS:
        raise RemoteProtocolError(f"The delivery report has more than {MAX_RECIPIENTS} recipients.")
    return DeliveryReport(int(number), tuple(map(_read, recipients)))


_NUMBER = re.compile("[0-9]{1,10}")
_STATUS = re.compile("[1-6][0-9]{2}")


def _written(one: Recipient) -> str:
    entries = "".join(
        f"<entry><key>{markup.text(key)}</key><value>{markup.text(value)}</value></entry>" for key, value in one.entries
    )
    return f'<recipient uri="{markup.attribute(one.uri)}"><status>{one.status}</status>{entries}</recipient>'


def _read(element: _Element) -> Recipient:
    status = markup.content(markup.child(element, "status"))
    uri = element.get("uri")
    if uri is None or not _STATUS.fullmatch(status):
        raise RemoteProtocolError("A recipient of the delivery report has no uri or no status of three digits.")
    entries = [found for found in element.iterchildren("{*}*") if markup.local(found) == "entry"]
    return Recipient(str(uri), int(status), tuple(map(_entry, entries)))


def _entry(element: _Element) -> tuple[str, str]:
    return markup.all_text(markup.child(element, "key")), markup.all_text(markup.child(element, "value"))
