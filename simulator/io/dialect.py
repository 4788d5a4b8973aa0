"""How one product writes its SIP: everything that differs between products without changing what happens."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.presence.pidf import Layout


@dataclass(frozen=True, slots=True)
class Dialect:
    """Values for one product; a persona holds one, and so does the Connect Server."""

    user_agent: str
    "User-Agent of requests; empty for none."
    server: str
    "Server of responses; empty for none."
    supported: tuple[str, ...] = ()
    "Option tags of INVITE, a `Supported` line each."
    allow: tuple[str, ...] = ("INVITE", "ACK", "BYE", "CANCEL", "MESSAGE", "INFO", "SUBSCRIBE", "NOTIFY", "OPTIONS")
    "Methods of the `Allow` header."
    accept_types: tuple[str, ...] = ("text/plain",)
    "What the SDP of an IM session says it takes (dialect facts §4.1)."
    presence_accept: tuple[str, ...] = ("application/pidf+xml",)
    "Media types of the `Accept` header of SUBSCRIBE (dialect facts §3.1)."
    pidf_layout: Layout = "rfc4480"
    "Which PIDF is written (dialect facts §3.4 d)."
    subscription_seconds: int = 3600
    "The expiry that is granted, and asked for where `asks_for_expiry`."
    asks_for_expiry: bool = True
    "Whether SUBSCRIBE carries `Expires`; S4B leaves it to the notifier (dialect facts §3.2)."
    epid: bool = False
    "Whether From and To carry an endpoint id, and no blank stands before `<` (dialect facts §2.1)."
    gruu_contact: bool = False
    "Whether Contact is a GRUU without host and port, reachable by the route set only (dialect facts §2.1)."
    record_routes: bool = False
    "Whether the edge puts itself into the route set with opaque parameters that must come back unchanged (§2.1)."
    conversation_id: bool = False
    "Whether INVITE carries `Ms-Conversation-ID` (dialect facts §4.2)."
