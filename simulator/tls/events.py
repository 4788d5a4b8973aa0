"""What is presented, what is decided and what has happened on a TLS connection (RFC 8446 §4.4.2, §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from cryptography import x509

Role = Literal["client", "server"]


class VerdictLike(Protocol):
    """What a verify callable returns; `str(verdict)` is put in the events as the reason."""

    @property
    def accepted(self) -> bool:
        """True lets the handshake go on."""

    @property
    def alert(self) -> str:
        """The alert to refuse with, one of `REFUSAL_ALERTS`; not read when accepted."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal that needs no policy: the peer showed no certificate, or one that can't be read."""

    sentence: str
    "What is wrong with what the peer presented."
    alert: str
    "The alert that answers it."
    accepted: bool = False
    "Never true."

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class PresentedChain:
    """What a peer shows of itself in the handshake."""

    certificates: tuple[x509.Certificate, ...]
    """Leaf first. From a server: all it sent, as it sent it. From a client: those of them that link to the leaf, since
    OpenSSL hands out a client's other certificates only once it is accepted."""
    role: Role
    "The TLS role of the peer who presents it, which decides the key usage it needs (F2.17)."
    server_name: str | None
    "The SNI: what we asked for when the peer is the server, what it asked for when it is the client."


Verify = Callable[[PresentedChain], VerdictLike]


class Event:
    """Something that happened on a TLS connection."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class HandshakeCompleted(Event):
    """Both sides may send now. A TLS 1.3 client learns only later, as `PeerRefused`, that the server refuses it."""

    version: str
    "`TLSv1.2` or `TLSv1.3`."
    cipher: str
    "OpenSSL's name of the cipher suite."
    peer: tuple[x509.Certificate, ...]
    "All certificates the peer presented, leaf first, linked or not; empty only for a resumed session."
    sni: str | None
    "The server name asked for, if any."
    verdict: VerdictLike | None
    "What the verify callable said; None for a resumed session, which was judged when it began."


@dataclass(frozen=True, slots=True)
class DataReceived(Event):
    """Plaintext arrived."""

    data: bytes
    "Never empty; all that one `receive_data` gave, joined."


@dataclass(frozen=True, slots=True)
class PeerRefused(Event):
    """The peer ended the connection by a fatal alert, in the handshake or, in TLS 1.3, after it."""

    alert: str
    "The alert's name (IANA), for instance `unknown_ca`."


@dataclass(frozen=True, slots=True)
class RefusedPeer(Event):
    """We refused the peer in the handshake."""

    verdict: VerdictLike
    "What the verify callable said, or a `Refusal` where it could not be asked."
    alert: str
    "The alert that was sent."

    @property
    def reason(self) -> str:
        """The verdict as a sentence."""
        return str(self.verdict)


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """The peer will send no more (close_notify); what we send still reaches it until we close as well."""


@dataclass(frozen=True, slots=True)
class TlsFailed(Event):
    """The connection is over for another reason than a refused certificate."""

    reason: str
    "One sentence."
    alert: str | None = None
    "The alert that was sent for it, if any."
