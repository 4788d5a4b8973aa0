"""What a product answers to each failure, inside its own network and towards the partner (dialect facts §5.3)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from simulator.partner.diagnostics import (
    NO_ADDRESS,
    NO_CONNECTION,
    NO_MATCH,
    NO_REASON_GIVEN,
    NO_SRV,
    NO_TLS,
    NO_TRUST,
    Inside,
)

USER_NOT_ENABLED: Final = (1002, "From URI not authorized to communicate with federated partners")
SAME_CONVERSATION: Final = (52035, "This client has an IM session with the same conversation ID")
NOT_FEDERATED: Final = (1027, "Cannot route this type of SIP request to or from federated partners")


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of the matrix: the status is for everybody, the diagnostic stays inside (dialect facts §5.1)."""

    status: int
    "The status that goes to the partner; 200 takes the request and drops what it brings, 0 is whatever came back."
    reason: str
    "Its reason phrase, as the product writes it."
    inside: Inside | None = None
    "Id and text of the `ms-diagnostics` inside; None where no source knows one."
    closes: bool = False
    "Whether the connection is closed after the answer."

    def __str__(self) -> str:
        told = f"{self.status} {self.reason}"
        return f"{told} (inside {self.inside[0]})" if self.inside else told


BARE_504: Final = "Server time-out"
"The reason phrase of Microsoft's edges, which RFC 3261 spells with a capital T."


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureAnswers:
    """The failure-to-answer matrix; each row is a switch: `SFB_2019.but(domain_blocked=Answer(403, "Forbidden"))`."""

    no_srv: Answer = Answer(504, BARE_504, NO_SRV)
    "The domain has no SRV record, or the DNS gives no answer. The id is documented, the bare 504 inferred [inference]."
    no_match: Answer = Answer(504, BARE_504, NO_MATCH)
    "No SRV target lies in the domain: Cisco's lab saw exactly this from both sides [trace]."
    no_address: Answer = Answer(504, BARE_504, NO_ADDRESS)
    "The SRV target has no address. The id is documented, the status is from memory [memory]."
    no_connection: Answer = Answer(504, BARE_504, NO_CONNECTION)
    "The server of the domain does not answer on TCP; only our own user is told [memory]."
    no_tls: Answer = Answer(504, BARE_504, NO_TLS)
    "TLS was reset or refused, as by a stranger to the CA; the partner sees no SIP at all [trace]."
    certificate: Answer = Answer(504, BARE_504, NO_TRUST)
    "The certificate does not name the server of the domain, in either direction [trace]."
    no_reason: Answer = Answer(0, "", NO_REASON_GIVEN)
    "The partner refuses and gives no reason: its status goes on to our own user, with this beside it [trace]."
    source_domain: Answer = Answer(504, BARE_504, (1015, "Cannot route from message source domain"))
    "`From` names another domain than the one that is vouched for: 403 or 504, and the connection may end [memory]."
    domain_blocked: Answer = Answer(504, BARE_504, NOT_FEDERATED)
    "The domain is blocked, not allowed, or discovery is off: 403 or 504, nobody knows which (Q6) [memory]."
    user_not_enabled: Answer = Answer(403, "Forbidden", USER_NOT_ENABLED)
    "The user may not federate (external access policy). The id is documented, the status remembered [memory]."
    unknown_user: Answer = Answer(404, "Not Found", (1003, "User does not exist"))
    "There is no such user [trace]."
    signed_out: Answer = Answer(480, "Temporarily Unavailable")
    "The user exists and is nowhere signed in [memory]."
    unverified_sender: Answer = Answer(403, "Forbidden")
    "An unverified sender who is no contact: dropped in silence (200), 403 or 480, nobody knows which [memory]."
    throttled: Answer = Answer(503, "Service Unavailable")
    "A discovered partner who sends too fast: delayed, dropped or 503, nobody knows which [memory]."
    too_many_contacts: Answer = Answer(403, "Forbidden", NOT_FEDERATED)
    "A discovered partner who has asked for more users than it may [memory]."
    too_large: Answer = Answer(513, "Message Too Large")
    "The body is larger than the server takes from another server [memory]."
    content_type: Answer = Answer(415, "Unsupported Media Type")
    "A body of a type that nobody here reads: 415 or 488 [memory]."
    filtered: Answer = Answer(606, "Not Acceptable")
    "The instant message filter refuses the text; `Warning: 309` says so: 606 or 403 [trace]."
    same_conversation: Answer = Answer(488, "Not Acceptable Here", SAME_CONVERSATION)
    "An INVITE brings the `Ms-Conversation-ID` of a session that is still there [trace]."
    method: Answer = Answer(405, "Method Not Allowed")
    "A method that is not for federated partners: 403 or 405 [memory]."
    no_dialog: Answer = Answer(481, "Call Leg/Transaction Does Not Exist")
    "There is no such dialog [trace]."
    route_set: Answer = Answer(481, "Call Leg/Transaction Does Not Exist", (1004, "Route set is no longer valid"))
    "Our Record-Route came back damaged: that 1004 follows from it is inferred [inference]."


FAILURES: Final = tuple(row.name for row in fields(FailureAnswers))
"The rows by name."
