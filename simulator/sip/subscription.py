"""Both ends of a subscription: who watches, and who notifies (RFC 6665)."""

from __future__ import annotations

from simulator.sip.notifier import NotifierUsage
from simulator.sip.options import SubscriptionOptions
from simulator.sip.subscriber import SubscriberUsage
from simulator.sip.subscription_terms import DEFAULT_EXPIRES, ENDING_STATUSES, SubscriptionPhase, too_brief

__all__ = [
    "DEFAULT_EXPIRES",
    "ENDING_STATUSES",
    "NotifierUsage",
    "SubscriberUsage",
    "SubscriptionOptions",
    "SubscriptionPhase",
    "too_brief",
]
