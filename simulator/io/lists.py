"""One subscription to several people: a batch, answered with RLMI (MS-PRES 2.2.2.4.1, RFC 4662)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.io.documents import write_document
from simulator.presence import rlmi

if TYPE_CHECKING:
    from simulator.io.user_agent import UserAgent
    from simulator.io.watched import Watched

NOTIFY_HEADERS = (("Require", "eventlist"),)
"What a notification with a list carries (RFC 4662 §4.2)."
SUBSCRIBE_HEADERS = (("Require", "adhoclist, categoryList"), ("Supported", "eventlist"))
"What a SUBSCRIBE for several people carries (dialect facts §3.2)."


def write_list(watched: Watched, agent: UserAgent, version: int) -> tuple[bytes, str]:
    """The list with everybody's document, and its Content-Type; who is not here is to be asked elsewhere."""
    resources = tuple(_resource(watched, agent, uri) for uri in watched.form.people)
    return rlmi.write(rlmi.ResourceList(watched.watcher, resources, version))


def _resource(watched: Watched, agent: UserAgent, uri: str) -> rlmi.Resource:
    account = agent.accounts.get(uri)
    if account is None:
        return rlmi.Resource(uri, "resubscribe")
    match agent.watches.decision(account, watched.watcher):
        case "allow":
            body, content_type = write_document(account, watched.form, agent.dialect, agent.timers.clock.today())
            return rlmi.Resource(uri, "active", body, content_type)
        case "ask":
            return rlmi.Resource(uri, "pending")
        case _:
            return rlmi.Resource(uri, "terminated", reason="rejected")
