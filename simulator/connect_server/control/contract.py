"""The control API as data: every operation once; server, client, OpenAPI document and other drivers read this table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from simulator.connect_server.control import models as m

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of a server."""

    id: str
    "Its name in the document, such as `sendMessage`."
    method: Method
    path: str
    "Below the base URL, with {parameters}."
    summary: str
    "What it does, in a few words."
    description: str = ""
    "What an implementer must know beyond the summary."
    capability: str | None = None
    "The capability that it belongs to; None for what every server must have."
    body: type[BaseModel] | None = None
    "What is sent."
    result: type[BaseModel] | None = None
    "What comes back; None for nothing (204)."
    feed: bool = False
    "Whether it is a read with `after` (a cursor) and `wait` (seconds)."

    @property
    def action(self) -> str:
        """Its name in Python and in command templates: `send_message`."""
        return re.sub(r"([A-Z])", lambda letter: "_" + letter[1].lower(), self.id)

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names in braces."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def arguments(self) -> tuple[str, ...]:
        """All names that it takes: those of the path, of the body, and of a feed."""
        body = tuple(self.body.model_fields) if self.body is not None else ()
        return (*self.path_parameters, *body, *(("after", "wait") if self.feed else ()))


_READ_ON = (
    "With `wait` the answer may be held back until there is something after the cursor, or so many seconds have "
    "passed; so nobody has to ask again and again. `after` = 0 reads from the beginning of the test."
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "describe",
        "GET",
        "/server",
        "Say who the server is and what it can do.",
        "The first thing that a driver asks. `capabilities` decides which scenarios run.",
        result=m.ServerInfo,
    ),
    Operation("readHealth", "GET", "/health", "Say whether the server works.", result=m.Health),
    Operation(
        "beginTest",
        "POST",
        "/test",
        "Begin a test: forget what users received and remember the settings.",
        "Inboxes, what was seen and the log are empty afterwards, and every user shows `available`. Subscriptions and "
        "connections may stay: every test uses domains of its own.",
        body=m.NewTest,
    ),
    Operation(
        "endTest",
        "DELETE",
        "/test",
        "End the test: put routes, switches and users back as they were when it began.",
        result=m.TestEnd,
    ),
    Operation("listUsers", "GET", "/users", "List the users.", result=m.UserList),
    Operation(
        "changeUser",
        "PATCH",
        "/users/{user}",
        "Change a user's licence or switch.",
        capability="groups",
        body=m.UserChange,
        result=m.UserInfo,
    ),
    Operation(
        "readOrganisation",
        "GET",
        "/organisation",
        "Say which licences, locations and groups there are.",
        capability="groups",
        result=m.Organisation,
    ),
    Operation(
        "changeOrganisation",
        "PATCH",
        "/organisation",
        "Change the server's licence, or the switch over everything.",
        capability="groups",
        body=m.OrganisationChange,
        result=m.Organisation,
    ),
    Operation(
        "putLocation",
        "PUT",
        "/locations/{name}",
        "Make or switch a location.",
        capability="groups",
        body=m.PartSwitch,
    ),
    Operation(
        "putGroup",
        "PUT",
        "/groups/{name}",
        "Make or switch a configuration group.",
        capability="groups",
        body=m.PartSwitch,
    ),
    Operation(
        "sendMessage",
        "POST",
        "/users/{user}/messages",
        "Send a chat message as this user, and say what became of it.",
        "Answer when the partner's final answer is there, or it is certain that none will come. A message that cannot "
        "be delivered is no HTTP error: it is `delivered: false` with the reason.",
        capability="chat",
        body=m.NewMessage,
        result=m.Delivery,
    ),
    Operation(
        "endChat",
        "DELETE",
        "/users/{user}/chats/{to}",
        "End the conversation between the two, if there is one.",
        capability="chat",
    ),
    Operation(
        "readInbox",
        "GET",
        "/users/{user}/messages",
        "Read the chat messages that were accepted for this user.",
        _READ_ON,
        capability="observe-inbox",
        result=m.Inbox,
        feed=True,
    ),
    Operation(
        "showTyping",
        "POST",
        "/users/{user}/typing",
        "Let somebody know that this user types, or has stopped.",
        capability="typing",
        body=m.Typing,
        result=m.Delivery,
    ),
    Operation(
        "readTyping",
        "GET",
        "/users/{user}/typing",
        "Read who typed to this user.",
        _READ_ON,
        capability="typing",
        result=m.TypingList,
        feed=True,
    ),
    Operation(
        "setPresence",
        "PUT",
        "/users/{user}/presence",
        "Show this state to everybody who watches the user.",
        capability="presence",
        body=m.Presence,
    ),
    Operation(
        "watch",
        "PUT",
        "/users/{user}/watched/{to}",
        "Subscribe this user to the presence of somebody at a partner.",
        "Answer when the subscription was answered. Whoever is watched already is watched anew.",
        capability="presence",
        result=m.Delivery,
    ),
    Operation(
        "unwatch",
        "DELETE",
        "/users/{user}/watched/{to}",
        "End that subscription.",
        capability="presence",
        result=m.Delivery,
    ),
    Operation(
        "readRoster",
        "GET",
        "/users/{user}/watched",
        "List whom this user watches, and what they showed last.",
        capability="presence",
        result=m.Roster,
    ),
    Operation(
        "readSeen",
        "GET",
        "/users/{user}/seen",
        "Read the presence notifications that reached this user.",
        _READ_ON,
        capability="presence",
        result=m.SeenList,
        feed=True,
    ),
    Operation(
        "readWatchStates",
        "GET",
        "/users/{user}/watch-states",
        "Read what became of this user's own subscriptions.",
        _READ_ON,
        capability="consent",
        result=m.WatchStateList,
        feed=True,
    ),
    Operation(
        "readWatchers",
        "GET",
        "/users/{user}/watchers",
        "Read who has asked to watch this user, whatever the answer was.",
        _READ_ON,
        capability="consent",
        result=m.WatcherList,
        feed=True,
    ),
    Operation(
        "setConsent",
        "PUT",
        "/users/{user}/consent",
        "Set what a watcher gets about whom this user has not decided.",
        "Subscriptions that are there are not touched.",
        capability="consent",
        body=m.ConsentPolicy,
    ),
    Operation(
        "answerConsent",
        "PUT",
        "/users/{user}/watchers/{to}",
        "Allow or deny a watcher, now and from now on.",
        capability="consent",
        body=m.ConsentAnswer,
    ),
    Operation(
        "listRoutes", "GET", "/routes", "List the static routes.", capability="static-routes", result=m.RouteList
    ),
    Operation(
        "putRoute",
        "PUT",
        "/routes/{domain}",
        "Make or replace the static route to a domain.",
        capability="static-routes",
        body=m.RouteSettings,
    ),
    Operation(
        "switchRoute",
        "PATCH",
        "/routes/{domain}",
        "Switch the static route to a domain on or off.",
        "No other connection is affected (R37, R38).",
        capability="static-routes",
        body=m.RouteSwitch,
    ),
    Operation(
        "deleteRoute",
        "DELETE",
        "/routes/{domain}",
        "Remove the static route to a domain.",
        capability="static-routes",
    ),
    Operation(
        "changeSwitches",
        "PATCH",
        "/switches",
        "Switch the connection types on or off, and say how they are.",
        "`open_federation` belongs to the capability switch-open-federation, `static_routes` to static-routes.",
        capability="switch-open-federation",
        body=m.SwitchChange,
        result=m.Switches,
    ),
    Operation(
        "listCertificates",
        "GET",
        "/certificates",
        "List the certificates that can be chosen for federation.",
        capability="certificates",
        result=m.CertificateList,
    ),
    Operation(
        "addCertificate",
        "POST",
        "/certificates",
        "Add a certificate; the active one stays what it is.",
        capability="certificates",
        body=m.NewCertificate,
        result=m.CertificateEntry,
    ),
    Operation(
        "activateCertificate",
        "PUT",
        "/certificates/{fingerprint}/active",
        "Choose a certificate; new connections see it.",
        "One that is not fit is refused with every reason, and the active one stays what it is.",
        capability="certificates",
        result=m.CertificateEntry,
    ),
    Operation(
        "deleteCertificate",
        "DELETE",
        "/certificates/{fingerprint}",
        "Remove a certificate that is not active.",
        capability="certificates",
    ),
    Operation(
        "listConnections",
        "GET",
        "/connections",
        "List the connections with partners that are open now.",
        capability="observe-connections",
        result=m.ConnectionList,
    ),
    Operation(
        "listSubscriptions",
        "GET",
        "/subscriptions",
        "List the presence subscriptions that live now.",
        capability="observe-connections",
        result=m.SubscriptionList,
    ),
    Operation(
        "readLog",
        "GET",
        "/log",
        "Read what the server decided against somebody, and why.",
        _READ_ON,
        capability="observe-log",
        result=m.Log,
        feed=True,
    ),
    Operation(
        "advanceClock",
        "POST",
        "/clock",
        "Set the server's clock ahead; all that becomes due by that happens now.",
        "Expiry of subscriptions, session timers, back-off: eight hours pass in milliseconds.",
        capability="time",
        body=m.ClockChange,
    ),
    Operation(
        "startInstance",
        "POST",
        "/instances",
        "Start another server of the same product with other names.",
        "It has the same users, trusts the same authorities and asks the same name server.",
        capability="identity",
        body=m.NewInstance,
        result=m.Instance,
    ),
    Operation("stopInstance", "DELETE", "/instances/{id}", "Stop that server.", capability="identity"),
)
"""In the order in which a reader meets them."""

BY_ACTION: Final[dict[str, Operation]] = {operation.action: operation for operation in OPERATIONS}
