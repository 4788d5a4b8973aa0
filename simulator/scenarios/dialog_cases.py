"""Tables of the area `dialogs`: requests in conversations, what a SUBSCRIBE may look like, what a NOTIFY must hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulator.scenarios.dialogs import ASKING, SDP, SDP_TYPE
from simulator.scenarios.marking import Case

if TYPE_CHECKING:
    from simulator.sip.message import Request, Response

PLAIN: Final = "text/plain;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Inside:
    """A request in a conversation that is open."""

    name: str
    "What, as it stands in a sentence: `for a video`."
    method: str
    "Its method."
    statuses: frozenset[int]
    "The answers that are right."
    body: str = ""
    "Its body."
    content_type: str = PLAIN
    "The type of that."
    more: tuple[str, ...] = ()
    "Further header lines."


def _inside(id_: str, name: str, method: str, statuses: set[int], *sources: str, **parts: object) -> Case:
    inside = Inside(name, method, frozenset(statuses), **parts)  # type: ignore[arg-type]
    return Case(id_, inside, sources=sources, words=name)


_VIDEO: Final = SDP.replace("m=message 5060 sip null", "m=video 5060 RTP/SAVP 121")

INSIDE: Final = (
    _inside("same-again", "offers the same again", "INVITE", {200}, "RFC 3261 §14.2", body=SDP, content_type=SDP_TYPE),
    _inside("without-an-offer", "asks for an offer", "INVITE", {200, 488}, "RFC 3261 §14.2"),
    _inside(
        "video",
        "offers video instead",
        "INVITE",
        {415, 488, 603, 606},
        "RFC 3261 §14.2",
        body=_VIDEO,
        content_type=SDP_TYPE,
    ),
    _inside("update", "refreshes it by UPDATE", "UPDATE", {200, 405, 501}, "RFC 3311 §5.2"),
    _inside("options", "asks what is possible", "OPTIONS", {200}, "RFC 3261 §11.2"),
    _inside(
        "unknown-info",
        "carries an INFO that nobody knows",
        "INFO",
        {200, 202, 415, 469},
        "RFC 6086 §4.2.2",
        body="x",
        content_type="application/x-unheard-of",
        more=("Info-Package: unheard-of",),
    ),
    _inside("unknown-method", "is of a method that nobody knows", "GREET", {405, 501}, "RFC 3261 §8.2.1"),
    _inside(
        "unknown-content",
        "is a message that nobody can show",
        "MESSAGE",
        {415},
        "RFC 3261 §8.2.3",
        body="x",
        content_type="application/x-unheard-of",
    ),
    _inside(
        "unknown-option",
        "is a message that requires an unknown option",
        "MESSAGE",
        {420},
        "RFC 3261 §8.2.2.3",
        body="x",
        more=("Require: nothing-known",),
    ),
)
"Requests in a conversation, with the answers that are right; none of them ends it."

# -- subscriptions ------------------------------------------------------------------------------------------------


def _but(event: str = ASKING[0], accept: str | None = ASKING[1], expires: str | None = ASKING[2]) -> tuple[str, ...]:
    return tuple(line for line in (event, accept, expires) if line is not None)


TAKEN: Final = (
    Case(
        "event-in-short", _but("o: presence"), words="whose Event is in the compact form", sources=("RFC 6665 §8.2.1",)
    ),
    Case("event-with-id", _but("Event: presence;id=abc7"), words="whose Event has an id", sources=("RFC 6665 §8.2.1",)),
    Case(
        "event-with-a-parameter",
        _but("Event: presence;whatever=7"),
        words="whose Event has a parameter that nobody knows",
        sources=("RFC 6665 §8.4",),
    ),
    Case("no-accept", _but(accept=None), words="without Accept, which means PIDF", sources=("RFC 3856 §6.7",)),
    Case(
        "accept-with-weights",
        _but(accept="Accept: text/plain;q=0.1, application/pidf+xml;q=0.7"),
        words="whose Accept weighs the formats",
        sources=("RFC 3261 §20.1",),
    ),
    Case(
        "expires-of-136-years",
        _but(expires="Expires: 4294967295"),
        words="for the longest time that can be written",
        sources=("RFC 3261 §20.19",),
    ),
)
"The headers of a SUBSCRIBE that must be taken."

NOT_TAKEN: Final = (
    Case(
        "other-formats",
        _but(accept="Accept: application/x-unheard-of"),
        {406},
        words="that takes no format of presence",
        sources=("RFC 3856 §6.7", "RFC 3261 §21.4.7"),
    ),
    Case(
        "unknown-option",
        (*_but(), "Require: nothing-known"),
        {420},
        words="that requires an unknown option",
        sources=("RFC 3261 §8.2.2.3",),
    ),
    Case(
        "no-number",
        _but(expires="Expires: soon"),
        {400},
        words="for a time that is no number",
        sources=("RFC 3261 §20.19",),
    ),
    Case(
        "negative",
        _but(expires="Expires: -600"),
        {400},
        words="for less than no time",
        sources=("RFC 3261 §20.19",),
    ),
)
"The headers of a SUBSCRIBE that must be refused, with the answers that are right."

REFUSING_NOTIFICATIONS: Final = tuple(
    Case(str(status), status) for status in (403, 404, 405, 480, 481, 489, 500, 503, 603)
)
"How a watcher's side may refuse a notification."


@dataclass(frozen=True, slots=True)
class Notified:
    """A SUBSCRIBE by hand, its 200, and the first NOTIFY."""

    subscribe: Request
    "What was sent."
    answer: Response
    "The 2xx."
    notify: Request
    "What came."


def _event(seen: Notified) -> str:
    event = seen.notify.event
    return "" if event is not None and event.package.lower() == "presence" else f"its Event is {event}"


def _state(seen: Notified) -> str:
    state = seen.notify.subscription_state
    known = state is not None and state.state in ("active", "pending")
    return "" if known else f"its Subscription-State is {state}"


def _time(seen: Notified) -> str:
    state, granted = seen.notify.subscription_state, seen.answer.expires
    left = state.expires if state is not None else None
    if left is None or granted is None or left <= granted:
        return ""
    return f"it says that {left} s are left, where the 200 granted {granted} s"


def _target(seen: Notified) -> str:
    contact = seen.subscribe.contact
    wanted = contact.uri if contact is not None else ""
    return "" if seen.notify.uri == wanted else f"it went to {seen.notify.uri}, where Contact said {wanted}"


def _tags(seen: Notified) -> str:
    got = (seen.notify.from_.tag, seen.notify.to.tag)
    wanted = (seen.answer.to.tag, seen.subscribe.from_.tag)
    return "" if got == wanted else f"its tags are {got}, where the dialog's are {wanted}"


def _routes(seen: Notified) -> str:
    got, wanted = list(seen.notify.routes), list(seen.subscribe.record_routes)
    return "" if got == wanted else f"its Route is {got}, where Record-Route was {wanted}"


def _contact(seen: Notified) -> str:
    return "" if seen.notify.contact is not None else "it has no Contact"


def _about(seen: Notified) -> str:
    who = seen.subscribe.to.parsed_uri.aor.removeprefix("sip:")
    right = seen.notify.content_type == "application/pidf+xml" and who.encode() in seen.notify.body.lower()
    return "" if right else f"its body ({seen.notify.content_type}) is no PIDF about {who}"


PARTS: Final = (
    Case("event", _event, words="the Event that was asked for", sources=("RFC 6665 §4.2.2",)),
    Case("state", _state, words="the state of the subscription", sources=("RFC 6665 §4.2.2",)),
    Case("time-left", _time, words="no more time than was granted", sources=("RFC 6665 §4.2.2",)),
    Case("target", _target, words="the watcher's Contact as its target", sources=("RFC 3261 §12.2.1.1",)),
    Case("tags", _tags, words="the tags of the dialog", sources=("RFC 3261 §12.2.1.1",)),
    Case("routes", _routes, words="the Record-Route of the SUBSCRIBE as its Route", sources=("dialect §2.1",)),
    Case("contact", _contact, words="a Contact of the server", sources=("RFC 6665 §4.2.2",)),
    Case("body", _about, words="a PIDF about the user who is watched", sources=("RFC 3863 §4.1", "RFC 3856 §6.7")),
)
"What a notification must have, and how that is judged: in words what is wrong, empty where nothing is."

Judge = Callable[[Notified], str]
