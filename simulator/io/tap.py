"""Writes what happens on links into the evidence, seen from one side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator import tls
from simulator.evidence.recorder import Recorder
from simulator.io.link import Link
from simulator.sip.message import Request, Response


class RecordingTap:
    """A tap that records for the participant `who`; `label` names the participant at the link's other end."""

    def __init__(
        self, recorder: Recorder, who: str, label: Callable[[Link], str], *, own_names: Sequence[str] = ()
    ) -> None:
        """`own_names` are those of the certificate that `who` presents."""
        self._recorder = recorder
        self._who = who
        self._label = label
        self._own_names = own_names

    def opened(self, link: Link) -> None:
        self._recorder.tcp(
            self._who, self._label(link), "connected" if link.outgoing else "accepted", link.peer_address
        )

    def unreachable(self, link: Link, sentence: str) -> None:
        self._recorder.tcp(self._who, self._label(link), "refused", sentence)

    def secured(self, link: Link, handshake: tls.HandshakeCompleted) -> None:
        self._recorder.tls_established(
            self._who,
            self._label(link),
            version=handshake.version,
            names=link.peer_names,
            cipher=handshake.cipher,
            sni=handshake.sni,
        )
        self._recorder.tls_presented(self._who, self._label(link), names=self._own_names)

    def refused(self, link: Link, *, by_peer: bool, alert: str, sentence: str) -> None:
        peer = self._label(link)
        if by_peer:
            self._recorder.tls_refused_by(self._who, peer, alert=alert, names=self._own_names)
        else:
            self._recorder.tls_refused(self._who, peer, alert=alert, reason=sentence, names=link.peer_names)

    def failed(self, link: Link, sentence: str) -> None:
        self._recorder.tls_failed(self._who, self._label(link), sentence)

    def sent(self, link: Link, message: Request | Response) -> None:
        self._recorder.sip_sent(self._who, self._label(link), bytes(message))

    def received(self, link: Link, message: Request | Response) -> None:
        self._recorder.sip_received(self._who, self._label(link), bytes(message))

    def closed(self, link: Link, sentence: str) -> None:
        self._recorder.tcp(self._who, self._label(link), "closed", sentence)
