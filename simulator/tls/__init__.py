"""Mutual TLS end point without sockets: bytes in, bytes and events out (RFC 8446, RFC 5246; RFC 3261 §26.3.1).

`Context` holds what connections share, `Endpoint` is one end of one connection. pyOpenSSL on memory BIOs does the work;
the verdict on the peer's certificate is the caller's, and asked for inside the handshake.
"""

from __future__ import annotations

from simulator.tls.alerts import ALERTS
from simulator.tls.context import VERSIONS, Context, Identity, Version
from simulator.tls.endpoint import Endpoint
from simulator.tls.events import (
    Closed,
    DataReceived,
    Event,
    HandshakeCompleted,
    PeerRefused,
    PresentedChain,
    Refusal,
    RefusedPeer,
    Role,
    TlsFailed,
    VerdictLike,
    Verify,
)
from simulator.tls.openssl import REFUSAL_ALERTS, UNREADABLE

__all__ = [
    "ALERTS",
    "REFUSAL_ALERTS",
    "UNREADABLE",
    "VERSIONS",
    "Closed",
    "Context",
    "DataReceived",
    "Endpoint",
    "Event",
    "HandshakeCompleted",
    "Identity",
    "PeerRefused",
    "PresentedChain",
    "Refusal",
    "RefusedPeer",
    "Role",
    "TlsFailed",
    "VerdictLike",
    "Verify",
    "Version",
]
