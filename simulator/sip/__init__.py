"""Sans-IO SIP (RFC 3261): messages, header fields, URIs and the framing of a stream."""

from __future__ import annotations

from simulator.sip.fields import (
    CSeq,
    EventHeader,
    MediaType,
    NameAddr,
    SubscriptionState,
    Via,
    new_branch,
    new_call_id,
    new_tag,
)
from simulator.sip.framing import NEED_DATA, KeepAlivePing, KeepAlivePong, Limits, MessageReader
from simulator.sip.headers import Headers
from simulator.sip.message import Message, Request, Response, parse
from simulator.sip.reasons import REASONS
from simulator.sip.uri import SipUri

__all__ = [
    "NEED_DATA",
    "REASONS",
    "CSeq",
    "EventHeader",
    "Headers",
    "KeepAlivePing",
    "KeepAlivePong",
    "Limits",
    "MediaType",
    "Message",
    "MessageReader",
    "NameAddr",
    "Request",
    "Response",
    "SipUri",
    "SubscriptionState",
    "Via",
    "new_branch",
    "new_call_id",
    "new_tag",
    "parse",
]
