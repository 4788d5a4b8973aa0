"""Write and read `application/msrtc-adrl-categorylist+xml`: whom a Microsoft watcher asks for (MS-PRES 2.2.2.4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.errors import RemoteProtocolError
from simulator.markup import attribute, child, parse
from simulator.presence.values import uri_of

CONTENT_TYPE = "application/msrtc-adrl-categorylist+xml"

BATCH = "http://schemas.microsoft.com/2006/01/sip/batch-subscribe"
CATEGORY_LIST = "http://schemas.microsoft.com/2006/09/sip/categorylist"

CLIENT_CATEGORIES = ("calendarData", "contactCard", "note", "state")
"What a client of Skype for Business asks for; UCMA adds `services` (dialect facts §3.2)."

MAX_BATCH = 1_000_000
"Bytes; a larger request is refused."


@dataclass(frozen=True, slots=True)
class Wanted:
    """One person whom a watcher asks for."""

    uri: str
    "With its scheme."
    added: bool = False
    "Whether the watcher has just added this contact, which an empty <context/> says."


@dataclass(frozen=True, slots=True)
class BatchAction:
    """One thing that a watcher asks for."""

    resources: tuple[Wanted, ...]
    "The people, in the order of the request; one of them where the request is for a single person."
    categories: tuple[str, ...] = CLIENT_CATEGORIES
    "The categories that the watcher understands."
    name: str = "subscribe"
    "`subscribe` or `unsubscribe`."
    id: str = ""
    "A number that the watcher chose."


@dataclass(frozen=True, slots=True)
class BatchSubscription:
    """The body of a SUBSCRIBE of a Microsoft watcher."""

    uri: str
    "Of the watcher."
    actions: tuple[BatchAction, ...]
    "At least one."

    @property
    def people(self) -> tuple[str, ...]:
        """The URIs of all whom the watcher subscribes to."""
        return tuple(one.uri for action in self.actions if action.name == "subscribe" for one in action.resources)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that any action names, each once."""
        return tuple(dict.fromkeys(name for action in self.actions for name in action.categories))


def single(
    watcher: str,
    presentity: str,
    *,
    action_id: str,
    categories: Iterable[str] = CLIENT_CATEGORIES,
) -> BatchSubscription:
    """What a watcher asks of a contact elsewhere, one at a time (dialect facts §3.2)."""
    return BatchSubscription(watcher, (BatchAction((Wanted(presentity),), tuple(categories), id=action_id),))


def write(subscription: BatchSubscription) -> bytes:
    """The body. Raises LocalProtocolError for texts that no XML document can hold."""
    actions = "".join(_action(action) for action in subscription.actions)
    return f'<batchSub xmlns="{BATCH}" uri="{attribute(subscription.uri)}" name="">\n{actions}</batchSub>'.encode()


def read(body: bytes) -> BatchSubscription:
    """What a watcher asks for. Raises RemoteProtocolError for what is no such request or names no action."""
    root = parse(body, "batchSub", what="presence document", limit=MAX_BATCH)
    actions = []
    for action in root.iterchildren("{*}action"):
        resources = []
        for resource in action.iterfind("{*}adhocList/{*}resource"):
            uri = uri_of(resource.get("uri"))
            if uri is None:
                raise RemoteProtocolError("A <resource> of the batch has no uri.")
            resources.append(Wanted(uri, child(resource, "context") is not None))
        names = (category.get("name", "") for category in action.iterfind("{*}categoryList/{*}category"))
        actions.append(
            BatchAction(
                tuple(resources), tuple(filter(None, names)), action.get("name", "subscribe"), action.get("id", "")
            )
        )
    if not actions:
        raise RemoteProtocolError("The batch names no <action>.")
    return BatchSubscription(uri_of(root.get("uri")) or "", tuple(actions))


def _action(action: BatchAction) -> str:
    people = "".join(
        f'<resource uri="{attribute(one.uri)}"><context/></resource>'
        if one.added
        else f'<resource uri="{attribute(one.uri)}"/>'
        for one in action.resources
    )
    names = "".join(f'<category name="{attribute(name)}"/>' for name in action.categories)
    return (
        f'<action name="{attribute(action.name)}" id="{attribute(action.id)}">\n<adhocList>{people}</adhocList>\n'
        f'<categoryList xmlns="{CATEGORY_LIST}">\n{names}\n</categoryList></action>'
    )
