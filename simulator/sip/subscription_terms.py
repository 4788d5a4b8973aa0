"""What both ends of a subscription go by: its phases, its times, and which answers end it (RFC 6665 §4)."""

from __future__ import annotations

from enum import Enum

from simulator.sip.fields import new_tag
from simulator.sip.message import Request, Response

DEFAULT_EXPIRES = 3600
"Seconds, where neither side names a time: what the presence package says (RFC 3856 §6.4)."
ENDING_STATUSES = frozenset({404, 405, 410, 416, *range(480, 486), 489, 501, 604})
"Refusals of a refresh or of a NOTIFY that end the subscription; any other leaves it (RFC 6665 §4.1.2.2, §4.2.2)."


class SubscriptionPhase(Enum):
    """Where a subscription stands, for both ends (RFC 6665 §4.1.2, Figure 1)."""

    REQUESTED = "requested"
    "Subscriber only: no NOTIFY has come."
    PENDING = "pending"
    "Not allowed yet, and not refused."
    ACTIVE = "active"
    TERMINATED = "terminated"


def too_brief(subscribe: Request, minimum: int) -> Response | None:
    """The 423 for a SUBSCRIBE that asks for less than `minimum` seconds and less than an hour (§4.2.1.1); else None."""
    wanted = subscribe.expires
    if wanted is None or wanted == 0 or wanted >= min(minimum, 3600):
        return None
    return subscribe.respond(423, to_tag=new_tag(), headers=[("Min-Expires", str(minimum))])
