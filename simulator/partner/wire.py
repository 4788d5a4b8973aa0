"""A connection of an edge on which a test writes by hand: whatever bytes, in whatever pieces, inside real TLS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed, RemoteProtocolError
from simulator.evidence.visible import escape
from simulator.io.link import Link
from simulator.io.link_user import LinkLost
from simulator.io.loop import LoopThread
from simulator.io.mailbox import Mailbox
from simulator.io.tap import RecordingTap
from simulator.io.transport import SipTransport
from simulator.io.user import DEADLINE
from simulator.sip.framing import NEED_DATA, MessageReader
from simulator.sip.message import Request, Response, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.sip.transaction import ServerTransaction

SHOWN = 60
"Characters of what was sent that the evidence shows where it is no SIP message."


class WireTap(RecordingTap):
    """Records, and keeps what came."""

    def __init__(self, like: RecordingTap) -> None:
        """It records as `like` does."""
        super().__init__(like._recorder, like._who, like._label, own_names=like._own_names)
        self.arrived: Mailbox[Request | Response] = Mailbox()
        self._reader: MessageReader | None = MessageReader()
        "Puts together what is sent in pieces; None once it is beyond understanding."

    def sent_by_hand(self, link: Link, data: bytes) -> None:
        """Record bytes that may be no message at all, or the last piece of one."""
        completed = self._completed_by(data)
        try:
            parse(data)
        except RemoteProtocolError:
            shown = escape(data[:SHOWN].decode("utf-8", "backslashreplace"))
            self._recorder.log(self._who, f"sends {len(data)} bytes by hand: {shown}{'…' * (len(data) > SHOWN)}")
            for message in completed:
                self._recorder.sip_sent(self._who, self._label(link), bytes(message))
        else:
            self._recorder.sip_sent(self._who, self._label(link), data)

    def _completed_by(self, data: bytes) -> list[Request | Response]:
        """The messages that these bytes bring to their end."""
        found: list[Request | Response] = []
        if self._reader is None:
            return found
        self._reader.receive_data(data)
        try:
            while (event := self._reader.next_event()) is not NEED_DATA:
                if isinstance(event, Request | Response):
                    found.append(event)
        except RemoteProtocolError:
            self._reader = None
        return found

    def received(self, link: Link, message: Request | Response) -> None:
        super().received(link, message)
        self.arrived.put(message)


class WireUser:
    """Answers nothing: what comes is the test's to look at."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Leave it to the test."""

    def on_ack(self, link: Link, request: Request) -> None:
        """Leave it to the test."""

    def on_cancel(self, link: Link, transaction: ServerTransaction) -> None:
        """Leave it to the test."""

    def on_remark(self, link: Link, sentence: str) -> None:
        """Answers to requests by hand belong to no transaction."""

    def on_closed(self, link: Link) -> None:
        """The server has ended it, or the test."""
        del link
        self.gone.set()


class Wire:
    """The connection as a test holds it."""

    def __init__(self, loop: LoopThread, link: Link, transport: SipTransport, tap: WireTap, user: WireUser) -> None:
        self._loop = loop
        self._link = link
        self._transport = transport
        self._tap = tap
        self._user = user

    @property
    def source(self) -> tuple[str, int]:
        """Our end of it: address and port."""
        return self._link.own_address

    def send(self, *pieces: bytes | str) -> None:
        """Write the pieces as they are, each in a TLS record of its own; ExpectationFailed when the server has ended
        the connection."""
        for piece in pieces:
            data = piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else piece
            self._loop.run(self._send(data))

    async def _send(self, data: bytes) -> None:
        try:
            self._link.send_raw(data)
        except LinkLost as error:
            raise ExpectationFailed(
                f"Nothing can be sent any more: the server has ended the connection ({error})."
            ) from error
        self._tap.sent_by_hand(self._link, data)
        await asyncio.sleep(0)  # what is sent in one turn of the loop leaves in one record

    def expect_answer(self, method: str | None = None, *, within: float = DEADLINE) -> Response:
        """The next final answer, to a request of that method; ExpectationFailed with what came instead."""

        def wanted(message: Request | Response) -> bool:
            return (
                isinstance(message, Response)
                and message.status >= 200
                and (method is None or message.cseq.method == method)
            )

        found = self._loop.run(self._answer(wanted, within))
        if not isinstance(found, Response):
            seen = ", ".join(message.start_line for message in self._tap.arrived) or "nothing"
            why = str(self._link.closed_because).rstrip(".")
            end = f" Then the server ended the connection: {why}." if self.is_closed else ""
            raise ExpectationFailed(
                f"The server must answer the {method or 'request'} that was sent by hand; what came was: {seen}.{end}"
            )
        return found

    def answer_or_end(self, *, within: float = DEADLINE) -> Response | None:
        """The next final answer, or None when the server has ended the connection without one; ExpectationFailed when
        it does neither."""
        found = self._loop.run(self._answer(lambda one: isinstance(one, Response) and one.status >= 200, within))
        if found is None and not self.is_closed:
            raise ExpectationFailed("The server neither answers what was sent by hand nor ends the connection.")
        assert not isinstance(found, Request)
        return found

    async def _answer(self, wanted: Callable[[Request | Response], bool], within: float) -> Request | Response | None:
        """As `Mailbox.take`, but there is nothing to wait for once the connection has ended."""
        gone = asyncio.ensure_future(self._user.gone.wait())
        taking = asyncio.ensure_future(self._tap.arrived.take(wanted, within=within))
        try:
            await asyncio.wait((gone, taking), return_when=asyncio.FIRST_COMPLETED)
            return await (taking if taking.done() else self._tap.arrived.take(wanted, within=0))
        finally:
            gone.cancel()
            taking.cancel()

    def has_brought(self, method: str) -> bool:
        """Whether a request of that method has come on it."""
        return any(isinstance(message, Request) and message.method == method for message in self._tap.arrived)

    @property
    def is_closed(self) -> bool:
        """Whether one side has ended the connection."""
        return self._loop.call(lambda: not self._link.alive)

    def must_be_closed(self, *, within: float = DEADLINE) -> None:
        """The server ends the connection; ExpectationFailed when it goes on."""

        async def ended() -> bool:
            try:
                await asyncio.wait_for(self._user.gone.wait(), within)
            except TimeoutError:
                return False
            return True

        if not self._loop.run(ended()):
            raise ExpectationFailed("The server must end the connection, but it is still open.")

    def must_be_open(self) -> None:
        """Raise ExpectationFailed when the server has ended the connection."""
        if self.is_closed:
            raise ExpectationFailed(f"The connection must go on, but the server has ended it: {self._why()}.")

    def close(self) -> None:
        """End it."""
        self._loop.run(self._transport.close())

    def _why(self) -> str:
        return str(self._link.closed_because)
