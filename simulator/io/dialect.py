"""How one product writes its SIP and what it answers: the switches that a persona sets (dialect facts §2 to §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.chat.composing import Composing
from simulator.chat.formats import PLAIN
from simulator.chat.rules import ChatRules
from simulator.io.renewal import RetryRules
from simulator.presence import GENERIC, PresenceMapping, Style
from simulator.presence.pidf import Layout


@dataclass(frozen=True, slots=True)
class Dialect(ChatRules):
    """Values for one product; a persona holds one, and so does the Connect Server.

    The habits in what a chat says (formats, first message, typing, refusals) are those of `ChatRules`.
    """

    # Every message

    user_agent: str = ""
    "User-Agent of requests; empty for none."
    server: str = ""
    "Server of responses; empty for none."
    supported: tuple[str, ...] = ()
    "Option tags of INVITE, a `Supported` line each."
    supported_in_answer: tuple[str, ...] = ()
    "Option tags of the 200 to INVITE, likewise; none: those of INVITE (dialect facts §4.1) [trace]."
    required_ok: tuple[str, ...] = ()
    "Option tags that a request outside of dialogs may require; any other gets 420 (RFC 3261 §8.2.2.3) [choice]."
    as_proxy: bool = False
    "Whether `Proxy-Require` is looked at as well, as an edge does and an end point does not (RFC 3261 §20.29) [spec]."
    allow: tuple[str, ...] = (
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "MESSAGE",
        "INFO",
        "UPDATE",
        "SUBSCRIBE",
        "NOTIFY",
        "OPTIONS",
    )
    "Methods of the `Allow` header."
    header_order: tuple[str, ...] = ()
    "The order of the header fields, `*` for all others; none leaves it to the writer (dialect facts §4.1) [trace]."
    header_names: tuple[str, ...] = ()
    "Names of headers that are spelled otherwise than usual, in lower case say (dialect facts §2.1) [trace]."
    epid: bool = False
    "Whether From and To carry an endpoint id, and no blank stands before `<` (dialect facts §2.1)."
    gruu_contact: bool = False
    "Whether Contact is a GRUU without host and port, reachable by the route set only (dialect facts §2.1)."
    record_routes: bool = False
    "Whether the edge puts itself into the route set with opaque parameters that must come back unchanged (§2.1)."

    via_parameters: tuple[str, ...] = ()
    """What stands behind the branch of the Via of requests, such as `branched=FALSE`, as the servers of S4B write it;
    whether an edge does is not known (dialect facts §2.1, §8.10) [trace]."""
    client_via: bool = False
    """Whether the Via of the user's client, which has no branch, stands below that of the edge; whether it crosses the
    edge is not known (dialect facts §2.1, §8.10) [trace]."""
    marks_via: bool = False
    "Whether the Via of responses says where the request came from, in Microsoft's words (dialect facts §2.1) [trace]."
    asserted_identity: bool = False
    "Whether requests of a user carry `P-Asserted-Identity`, which is then believed, not From (§2.1) [trace]."
    further_headers: tuple[tuple[str, str], ...] = ()
    """Headers of every request of a user that a server must ignore, or must not believe: what leaks from inside
    (`ms-user-logon-data`, `ms-telemetry-id`, §2.4), or `ms-edge-proxy-message-trust` of a peer that wants to be trusted
    (§2.2) [choice]."""

    # Watching

    presence_accept: tuple[str, ...] = ("application/pidf+xml",)
    "Media types of the `Accept` header of SUBSCRIBE (dialect facts §3.1) [trace]."
    category_list: tuple[str, ...] = ()
    "Categories that the batch body of SUBSCRIBE asks for; none: SUBSCRIBE has no body (dialect facts §3.2) [trace]."
    asks_for_expiry: bool = True
    "Whether SUBSCRIBE carries `Expires`; S4B leaves it to the notifier (dialect facts §3.2) [trace]."
    benotify: bool = False
    "Whether updates may travel as BENOTIFY, which nobody answers, in both roles (dialect facts §3.3) [spec]."
    piggyback: bool = False
    "Whether the 200 to SUBSCRIBE may carry the first notification, in both roles (dialect facts §3.2, §3.3) [spec]."
    autoextend: bool = False
    "Whether each notification restarts the expiry of the subscription, in both roles (dialect facts §3.2) [spec]."
    renewal: RetryRules | None = None
    """When a subscription that showed something and was ended by the partner, or with a connection, is made again; None
    leaves that to the user. S4B is remembered to try again later (dialect facts §3.2) [memory]."""

    # Being watched

    presence_formats: tuple[str, ...] = ("application/pidf+xml",)
    "Formats that are written, the dearest first; the watcher's Accept only excludes, it does not order (§3.1) [spec]."
    pidf_layout: Layout = "rfc4480"
    "Which PIDF is written (dialect facts §3.4 d) [memory]."
    presence_mapping: PresenceMapping = GENERIC
    "Which numbers and words stand for which state, in both directions (dialect facts §3.5) [memory]."
    presence_container: int = 100
    "Which of the owner's containers a watcher sees; 100 is that of federated contacts (dialect facts §3.4 a) [doc]."
    partial_updates: bool = True
    "Whether the enhanced format says only what has changed; others say everything (dialect facts §3.4 a) [trace]."
    answers_lists: bool = False
    "Whether a batch for several people is answered with one list (RLMI); else with its first person (§3.2) [spec]."
    subscription_seconds: int = 3600
    "The expiry that is granted, and asked for where `asks_for_expiry` [spec]."
    subscription_jitter: int = 0
    "The granted expiry is shorter by up to so many seconds: traces show 23903 to 29087 (dialect facts §3.3) [spec]."
    fetch_status: int = 0
    "The refusal of a SUBSCRIBE with Expires 0 (polling); 0 answers it (§3.3, open question 7) [inference]."
    notify_overtakes: bool = False
    "Whether the first NOTIFY goes out, and is answered, before the 200 to SUBSCRIBE (dialect facts §3.3) [trace]."
    pending_status: int = 202
    "The 2xx to a watcher who waits for consent; RFC 6665 says 200 (dialect facts §3.2) [memory]."
    denied_status: int = 403
    "The answer to a watcher whom the user has denied (RFC 3856 §6.5) [memory]."

    # Chat

    im: Literal["session", "page", "as-peer"] = "session"
    "Chat by IM sessions; by MESSAGE outside of dialogs (RFC 3428); or in the way that the peer used last [trace]."
    page_status: int = 0
    "The refusal of a MESSAGE outside of dialogs; 0 takes it (dialect facts §4.2) [memory]."
    accept_types: tuple[str, ...] = ("text/plain",)
    "What the SDP of an IM session says it takes (dialect facts §4.1)."
    conversation_id: bool = False
    "Whether INVITE carries `Ms-Conversation-ID`, and one that is in use gets 488 (dialect facts §4.2) [trace]."
    participants: bool = False
    "Whether INVITE carries `EndPoints` and `Roster-Manager` (dialect facts §4.1) [trace]."
    supported_in_message: tuple[str, ...] = ()
    "Option tags of MESSAGE and INFO in an IM session, a `Supported` line each (dialect facts §4.3) [trace]."
    keep_alive: str = ""
    "`ms-keep-alive` of INVITE, which is for the client's own proxy and must be ignored (§1.3, §4.1) [trace]."
    subnet: bool = False
    "Whether INVITE carries `ms-subnet`, the network of the client (dialect facts §2.4, §4.1) [trace]."
    history: bool = False
    "Whether INVITE carries `history-info`, with the callee alone (dialect facts §2.1, §4.1) [trace]."
    trying: bool = False
    "Whether an INVITE gets 100 at once (dialect facts §4.2) [trace]."
    progress: tuple[int, str] | None = None
    "The provisional answer to an INVITE before the 200, such as 101 Progress Report (dialect facts §4.2) [trace]."
    session_idle_seconds: int = 0
    "An IM session without a message for so long is ended by BYE; 0 never. S4B: 10 minutes (dialect facts §4.2) [doc]."
    session_interval: int = 0
    "Seconds of the session timer that is asked for (RFC 4028); 0 asks for none. S4B only supports it (§4.1) [trace]."
    session_timer: bool = False
    "Whether a session timer that the peer asks for is kept (RFC 4028, dialect facts §4.2) [memory]."
    ends_replaced_session: bool = True
    "Whether a session is ended by BYE when a new INVITE of its peer replaces it (dialect facts §4.2) [inference]."

    @property
    def takes_first_message(self) -> bool:
        """Whether a text in an INVITE is taken and confirmed."""
        return self.consumes and self.confirmation != "never"

    def composing_notice(self, active: bool) -> Composing:
        """What is said of a user who types, or has stopped (RFC 3994 §3.2); KeyboardActivity says less."""
        return Composing(active, PLAIN, self.typing.refresh if active else None)

    @property
    def style(self) -> Style:
        """How presence is written."""
        return Style(layout=self.pidf_layout, mapping=self.presence_mapping, container=self.presence_container)
