"""What goes over the control API as JSON, as pydantic models; their descriptions stand in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.presence.state import Availability

VERSION = "1.0"
"The version of the contract; a change that breaks a driver raises the first number."
LONGEST_WAIT = 60.0
"Seconds that a read may wait at most."

Number = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
PortNumber = Annotated[int, Field(ge=1, le=65535)]


class Model(BaseModel):
    """What is not named is a mistake; so a misspelt field is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """In answers of a server more may stand than is named here."""

    model_config = ConfigDict(extra="ignore")


class Failure(Answer):
    """An error as problem+json (RFC 9457)."""

    type: str = Field("about:blank", description="A URI for the kind of error; about:blank where the status says all.")
    title: str = Field(description="The kind of error in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence: what is wrong and what to do.")


class ServerInfo(Answer):
    """Who the server is and what it can do."""

    contract: str = Field(description=f"The version of this contract, {VERSION}.")
    name: str = Field(description="The product, for people.")
    version: str = Field("", description="Its version, for people.")
    domain: str = Field(description="The SIP domain of its users.")
    fqdn: str = Field(description="Its public name, which its certificate and its SRV record hold.")
    address: str = Field(description="The IP address where partners reach it.")
    port: PortNumber = Field(5061, description="The TCP port where partners reach it.")
    capabilities: list[str] = Field(description="What it can be told to do; the words stand in the introduction.")


class Health(Answer):
    """Whether the server works."""

    ok: bool = Field(description="Whether partners can be served.")
    reason: str = Field("", description="Why not, in a sentence.")


class NewTest(Model):
    """A test that begins."""

    name: str = Field("", description="Of the test, for the server's log.")


class TestEnd(Answer):
    """How the server came through a test."""

    errors: list[str] = Field([], description="Internal errors during the test, a sentence each; they fail it.")


class ClockChange(Model):
    """How far the clock is set ahead."""

    seconds: Seconds = Field(description="By so much every timer of the server is nearer; what is due happens now.")


class UserInfo(Answer):
    """A user of the server."""

    name: str = Field(description="What stands before the @.")
    uri: str = Field(description="`sip:user@domain`.")
    display_name: str = Field("", description="The name for people.")
    federates: bool = Field(description="Whether partners reach the user: licensed and switched on (R4-R6).")


class UserList(Answer):
    """All users."""

    items: list[UserInfo]


class UserChange(Model):
    """What changes about a user; what is left out stays as it is."""

    office_plus: bool | None = Field(None, description="Whether the user has the licence (R4).")
    federation: bool | None = Field(None, description="The user's own switch for federation.")
    location: str | None = Field(None, description="The name of the user's location (R5).")
    group: str | None = Field(None, description="The name of the user's configuration group (R6).")


class Part(Answer):
    """A location or a configuration group."""

    name: str
    federation: bool | None = Field(None, description="Whether its users federate; null leaves that to others.")


class Organisation(Answer):
    """Licences, and what users belong to."""

    server_licence: bool = Field(description="The server's licence, without which nobody federates (R3).")
    federation: bool = Field(description="The switch over everything.")
    locations: list[Part] = []
    groups: list[Part] = []


class OrganisationChange(Model):
    """What changes for everybody; what is left out stays as it is."""

    server_licence: bool | None = Field(None, description="The server's licence (R3).")
    federation: bool | None = Field(None, description="The switch over everything.")


class PartSwitch(Model):
    """The switch of a location or group, which is made where there is none of that name."""

    federation: bool | None = Field(None, description="Whether its users federate; without it others decide.")


class NewMessage(Model):
    """A chat message to send."""

    to: str = Field(description="`sip:user@domain`.")
    text: str = Field(description="The plain text.")


class Addressee(Model):
    """Somebody at a partner."""

    to: str = Field(description="`sip:user@domain`.")


class Typing(Model):
    """A user types to somebody, or has stopped."""

    to: str = Field(description="`sip:user@domain`.")
    active: bool = Field(True, description="False: has stopped without having written.")


class SeenTyping(Answer):
    """A user was told that somebody types, or has stopped."""

    sender: str = Field(description="`sip:user@domain` of who types.")
    active: bool = Field(True, description="False: has stopped without having written.")


class TypingList(Answer):
    """What came after the cursor."""

    items: list[SeenTyping] = Field(description="In the order in which it came.")
    next: Number = Field(description="Give this as `after` to read on.")


class ConsentPolicy(Model):
    """What a watcher gets about whom the user has not decided."""

    policy: Literal["allow", "ask", "deny"] = Field(description="The state, a wait for the decision, or a refusal.")


class ConsentAnswer(Model):
    """A user's decision about one watcher."""

    allowed: bool = Field(description="False ends a subscription that is there.")


class WatcherList(Answer):
    """Who has asked to watch, after the cursor."""

    items: list[str] = Field(description="`sip:user@domain` each, in the order in which they asked.")
    next: Number = Field(description="Give this as `after` to read on.")


class WatchState(Answer):
    """A subscription of the user came to another state."""

    presentity: str = Field(description="`sip:user@domain` of who is watched.")
    state: Literal["pending", "active", "terminated"]
    reason: str = Field("", description="Why it ended: the reason of the NOTIFY, or a sentence.")


class WatchStateList(Answer):
    """What came after the cursor."""

    items: list[WatchState] = Field(description="In the order in which it came.")
    next: Number = Field(description="Give this as `after` to read on.")


class Delivery(Answer):
    """What became of an attempt to reach somebody, once the last answer was there."""

    delivered: bool = Field(description="True only when the other side confirmed it.")
    status: int | None = Field(None, description="The final SIP status; null when there was no SIP answer.")
    reason: str = Field("", description="The reason phrase, or one sentence of what stopped the attempt.")
    phase: str = Field(
        "", description="How far it came: policy, discovery, connect, tls, or the SIP method in lower case."
    )


class ReceivedMessage(Answer):
    """A chat message that was accepted for a user."""

    text: str = Field(description="The plain text.")
    sender: str = Field(description="`sip:user@domain`.")
    content_type: str = Field("text/plain", description="The media type it came as.")


class Inbox(Answer):
    """What came after the cursor."""

    items: list[ReceivedMessage] = Field(description="In the order in which it came.")
    next: Number = Field(description="Give this as `after` to read on.")


class Presence(Model):
    """What a user shows."""

    availability: Availability
    activity: str | None = Field(None, description="What the user does, such as in-a-meeting.")
    note: str | None = Field(None, description="A text for watchers.")


class SeenPresence(Answer):
    """A presence notification that reached a user."""

    presentity: str = Field(description="`sip:user@domain` of whom it is about.")
    availability: Availability | None = Field(None, description="null when the notification had no body.")
    activity: str | None = None
    note: str | None = None
    subscription: str = Field("active", description="active, pending or terminated (RFC 6665 §4.1.3).")


class SeenList(Answer):
    """What came after the cursor."""

    items: list[SeenPresence] = Field(description="In the order in which it came.")
    next: Number = Field(description="Give this as `after` to read on.")


class RosterEntry(Answer):
    """Somebody whom a user watches."""

    uri: str = Field(description="`sip:user@domain`.")
    availability: Availability | None = Field(None, description="As last seen.")


class Roster(Answer):
    """Whom a user watches now."""

    items: list[RosterEntry]


class RouteSettings(Model):
    """Where a domain is reached by static route (R27, R32-R37)."""

    host: str = Field(description="The partner's server: its FQDN, or an IP address.")
    port: PortNumber = Field(5061, description="Where it listens.")
    enabled: bool = Field(True, description="False keeps the route, but out of use.")


class RouteSwitch(Model):
    """The switch of one route."""

    enabled: bool = Field(description="Whether it is in use.")


class RouteInfo(Answer):
    """A static route."""

    domain: str = Field(description="The partner's domain.")
    host: str = Field(description="The partner's server.")
    port: PortNumber = Field(5061, description="Where it listens.")
    enabled: bool = Field(True, description="Whether it is in use.")


class RouteList(Answer):
    """All static routes."""

    items: list[RouteInfo]


class SwitchChange(Model):
    """The connection types; what is left out stays as it is."""

    static_routes: bool | None = Field(None, description="The connection type static routes (R31).")
    open_federation: bool | None = Field(None, description="The connection type open federation (R39).")


class Switches(Answer):
    """The connection types as they are."""

    static_routes: bool = Field(description="The connection type static routes (R31).")
    open_federation: bool = Field(description="The connection type open federation (R39).")


class CertificateEntry(Answer):
    """A certificate of the server's store (R62-R65)."""

    fingerprint: str = Field(description="SHA-256, by which it is chosen.")
    name: str = Field("", description="What its files are called.")
    scope: Literal["machine", "user"] = Field("machine", description="The store of the computer, or of its account.")
    active: bool = Field(description="Whether it is the one chosen for federation.")
    usable: bool = Field(True, description="Whether nothing speaks against choosing it.")
    problems: list[str] = Field([], description="All that does, a clause each.")
    names: list[str] = Field([], description="The names it is made out to.")
    valid_from: str = Field("", description="ISO 8601, UTC.")
    valid_until: str = Field("", description="ISO 8601, UTC.")
    issuer: str = ""


class CertificateList(Answer):
    """The certificates that can be chosen from."""

    items: list[CertificateEntry]


class NewCertificate(Model):
    """A certificate for the store. Adding does not activate it (R68)."""

    chain: str = Field(description="PEM: the certificate and the intermediate ones.")
    key: str = Field(description="PEM: its private key, without password.")
    scope: Literal["machine", "user"] = "machine"
    name: str = Field("", description="What its files are called; empty for a name made of its own.")


class ConnectionInfo(Answer):
    """A TLS connection with a partner."""

    outgoing: bool = Field(description="Whether the server opened it.")
    peer: str = Field(description="The other end as address:port.")
    names: list[str] = Field([], description="The names of the other end's certificate.")


class ConnectionList(Answer):
    """The connections that are open now."""

    items: list[ConnectionInfo]


class SubscriptionInfo(Answer):
    """A presence subscription that a user has or that others have to a user."""

    user: str = Field(description="`sip:user@domain` of the server's user.")
    other: str = Field(description="`sip:user@domain` of the other side.")
    watching: bool = Field(description="True when the server's user watches, false when they are watched.")


class SubscriptionList(Answer):
    """The presence subscriptions that live now."""

    items: list[SubscriptionInfo]


class Log(Answer):
    """What the server decided, and why."""

    items: list[str] = Field(description="A sentence each.")
    next: Number = Field(description="Give this as `after` to read on.")


class NewInstance(Model):
    """Another server of the same product, with other names."""

    domain: str = Field(description="The SIP domain of its users; they are called as those of this server.")
    fqdn: str = Field(description="Its public name.")
    certificate_chain: str = Field(description="PEM: its certificate and the intermediate ones.")
    private_key: str = Field(description="PEM: the certificate's key, without password.")
    address: str = Field(description="Where it shall listen; a server that cannot choose listens elsewhere.")
    port: int = Field(5061, ge=0, le=65535, description="Likewise; 0 takes any free port.")


class Instance(Answer):
    """A server that was started, with a control API of its own."""

    url: str = Field(description="The base URL of its control API.")
    token: str = Field(description="The bearer token for it.")
    id: str = Field(description="To stop it by.")
