"""One SIP stream: bytes in, events out, transactions in between (RFC 3261 §17, §18; RFC 6026; RFC 5626 §4.4.1)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.events import (
    AckReceived,
    CancelReceived,
    ConnectionBroken,
    Event,
    PingReceived,
    PongReceived,
    RequestReceived,
    RequestRefused,
    ResponseDiscarded,
    ResponseReceived,
    TransactionFailed,
)
from simulator.sip.fields import new_branch, new_tag
from simulator.sip.follow_up import ack_of_failure, cancel_of
from simulator.sip.framing import NEED_DATA, KeepAlivePing, KeepAlivePong, Limits, MessageReader
from simulator.sip.headers import Headers
from simulator.sip.merging import RequestRegister
from simulator.sip.message import Request, Response
from simulator.sip.transaction import (
    Action,
    ClientTransaction,
    Input,
    ServerTransaction,
    State,
    Timers,
    Transaction,
    kind_of_status,
    server_key,
)
from simulator.sip.transaction_layer import TransactionLayer

PING = b"\r\n\r\n"
PONG = b"\r\n"
INDISPENSABLE = ("Via", "From", "To", "Call-ID", "CSeq")
"Without these there is nothing to build a response of (RFC 3261 §8.2.6.2)."
NEVER_ANSWERED = frozenset({"ACK", "BENOTIFY"})
"Requests that get no response, whatever is wrong with them (RFC 3261 §17, MS-SIP 3.5.5.3)."

Tap = Callable[[Literal["in", "out"], Request | Response], None]


class SipConnection:
    """Both roles of a SIP element on one reliable stream. Reads no clock, opens nothing, never waits.

    Feed `receive_data`, then call `next_event` until it gives None, answer through the `send_...` methods, and write
    `data_to_send()` once: everything that is due leaves in one piece. Call `handle_timeout` when `next_timeout` has
    come, then `next_event` again. `now` is in seconds and never goes backwards.
    """

    def __init__(
        self,
        *,
        sent_by: str,
        transport: str = "TLS",
        limits: Limits | None = None,
        timers: Timers | None = None,
        tap: Tap | None = None,
        trying: bool = False,
        register: RequestRegister | None = None,
        style: Callable[[Request | Response], Request | Response] | None = None,
    ) -> None:
        """`sent_by` is our `host:port` for the Via of requests; `tap` sees every message in both directions, also those
        that make no event and those that are sent by themselves (ACK, CANCEL, 200 to CANCEL, 400).

        With `trying`, a request that waits for its answer gets a 100 by itself, an INVITE after 0.2 seconds
        (`timers.trying`), any other after 3.5 (RFC 4320 §4.1); without, only what you send goes out. Merged requests
        are looked for among those of this connection, or of all that share the `register`. `style` has the last word on
        the header fields of what is sent, but for requests that bring a Via of their own.
        """
        self.timers = timers or Timers()
        self._trying = trying
        self._via = f"SIP/2.0/{transport} {sent_by};branch="
        register = RequestRegister() if register is None else register  # an empty one is false
        self._layer = TransactionLayer(self.timers, register, trying=trying)
        self._reader = MessageReader(limits or Limits())
        self._tap = tap
        self._style = style
        self._now = 0.0
        self._output: list[bytes] = []
        self.due = 0
        "Bytes that `data_to_send` has to give."
        self._events: deque[Event] = deque()
        self._broken = False
        self._lost: str | None = None

    # Input

    def receive_data(self, data: bytes, now: float) -> None:
        """Store what came from the stream; `next_event` reads it. Ignored after ConnectionBroken."""
        self._now = now
        if not self._broken and self._lost is None:
            self._reader.receive_data(data)

    def next_event(self) -> Event | None:
        """The next thing that happened, in the order of the wire; None when more data or time is needed."""
        while not self._events and not self._broken and self._lost is None:
            try:
                item = self._reader.next_event()
                if item is NEED_DATA:
                    return None
                self._take(item)
            except RemoteProtocolError as error:
                self._break(error)
        return self._events.popleft() if self._events else None

    def connection_lost(self, reason: str, now: float) -> None:
        """The stream is gone, or will not be used any more. Whatever still waits for a response fails with `reason`."""
        if self._lost is not None:
            return
        self._now = now
        self._lost = reason
        for transaction, actions in self._layer.lose(now):
            if Action.LOSE in actions:
                self._fail(transaction, "connection", f"The connection was lost: {reason}", now)

    # Output

    def data_to_send(self) -> bytes:
        """Everything that is due, joined; b"" when there is nothing. Each byte is given out once."""
        if not self._output:
            return b""
        data = self._output[0] if len(self._output) == 1 else b"".join(self._output)
        self._output.clear()
        self.due = 0
        return data

    def send_request(self, request: Request, now: float, *, add_via: bool = True) -> ClientTransaction:
        """Send a request; its events carry the transaction that is returned. `request` itself stays as it was.

        A Via of ours is put on top, unless `add_via` is off: then the request must bring one with an unused branch, or
        one without, as NEGOTIATE has it; of those a method can wait for one at a time. Over a lost connection the
        transaction fails at once, with an event. Raises LocalProtocolError for ACK and CANCEL.
        """
        if request.method in ("ACK", "CANCEL"):
            raise LocalProtocolError(f"{request.method} makes no transaction of its own: use send_ack or cancel.")
        if add_via:
            branch = new_branch()
            request = self._with_via(request, branch)
        else:
            branch = request.top_via.branch or ""
        return self._start(self._layer.new_client(request, branch), now, styled=add_via)

    def send_ack(self, request: Request) -> Request:
        """Send the ACK of a 2xx, which belongs to no transaction (RFC 3261 §13.2.2.4); returns it with its Via."""
        if request.method != "ACK":
            raise LocalProtocolError(f"send_ack sends no {request.method}.")
        return self.send_one_way(request)

    def send_one_way(self, request: Request) -> Request:
        """Send a request that nobody answers, such as BENOTIFY (MS-SIP 3.5.5.3); returns it with its Via. It has no
        transaction: a response that comes all the same is discarded with an event."""
        sent = self._with_via(request, new_branch())
        self._write(sent)
        return sent

    def cancel(self, transaction: ClientTransaction, now: float) -> ClientTransaction | None:
        """Give up on an INVITE of ours. Its final response (487, or a 2xx that came first) still comes as an event.

        Returns the transaction of the CANCEL; None when it has to wait for the first provisional response, where it is
        then sent by itself, or when the INVITE has its final response already (RFC 3261 §9.1).
        """
        if transaction.method != "INVITE":
            raise LocalProtocolError(f"Only an INVITE can be cancelled, not a {transaction.method} (RFC 3261 §9.1).")
        transaction.cancel_wanted = True
        if self._layer.step(transaction, Input.CANCEL, now) is None:
            return None
        cancelling = self._layer.new_client(cancel_of(transaction.request), str(transaction.key[0]))
        cancelling.cancels = transaction
        return self._start(cancelling, now)

    def send_response(self, transaction: ServerTransaction, response: Response, now: float) -> None:
        """Answer a request. On a lost connection the response goes nowhere, and there is no event: it was told before.

        Raises LocalProtocolError for a second final response, for a 408 and for a provisional response other than 100
        to anything but INVITE (RFC 4320 §4); a 2xx to an INVITE may be repeated, for its ACK (RFC 3261 §13.3.1.4).
        """
        if self._lost is not None:
            return
        if transaction.method != "INVITE" and (response.status == 408 or 100 < response.status < 200):
            raise LocalProtocolError(f"{response.status} must not answer a {transaction.method} (RFC 4320 §4).")
        if self._layer.step(transaction, kind_of_status(response.status), now) is None:
            raise LocalProtocolError(f"{response.status} cannot be sent on {transaction!r}: it was answered before.")
        transaction.last_response = response
        self._write(response)

    def respond(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        *,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Response:
        """Build a response with the transaction's To tag, send it, and return it. 100 carries no tag of ours."""
        response = transaction.request.respond(
            status,
            reason,
            to_tag=transaction.to_tag if status > 100 else None,
            headers=headers,
            body=body,
            content_type=content_type,
        )
        self.send_response(transaction, response, now)
        return response

    def forget(self, transaction: ServerTransaction) -> None:
        """Never answer this request: drop it without a word, as a BENOTIFY wants it (MS-SIP 3.5.5.3), or as an element
        does that silently discards."""
        self._layer.forget(transaction)

    def send_ping(self) -> None:
        """Send a keep-alive; the peer owes a pong within 10 seconds (RFC 5626 §4.4.1), which is not watched here."""
        if self._lost is None:
            self._reader.expect_pong()
            self.send_raw(PING)

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, on purpose: nothing is checked and no transaction knows of it."""
        if self._lost is None:
            self._output.append(data)
            self.due += len(data)

    # Time

    def next_timeout(self) -> float | None:
        """When `handle_timeout` has to be called; None while nothing waits for time."""
        return self._layer.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Let every timer that is due run out; then ask `next_event`. Early and repeated calls do no harm."""
        self._now = now
        for transaction, letter, actions in self._layer.due(now):
            self._run_out(transaction, letter, actions, now)

    @property
    def open_transactions(self) -> int:
        """How many transactions are kept, those included that only wait for repetitions."""
        return len(self._layer)

    # One message

    def _take(self, item: object) -> None:
        if isinstance(item, Request):
            if self._tap is not None:
                self._tap("in", item)
            self._take_request(item)
        elif isinstance(item, Response):
            if self._tap is not None:
                self._tap("in", item)
            self._take_response(item)
        elif isinstance(item, KeepAlivePing):
            self.send_raw(PONG)
            self._events.append(PingReceived(at=self._now))
        elif isinstance(item, KeepAlivePong):
            self._events.append(PongReceived(at=self._now))

    def _take_request(self, request: Request) -> None:
        method = request.method
        try:
            request.validate()
            key = server_key(request, "INVITE" if method in ("ACK", "CANCEL") else method)
        except RemoteProtocolError as error:
            missing = [name for name in INDISPENSABLE if name not in request.headers]
            if missing:
                absent = " and no ".join(missing)
                raise RemoteProtocolError(f"the {method} has no {absent}: it cannot be answered") from error
            self._refuse(request, error.status_hint, error.reason)
            return
        known = self._layer.servers.get(key)
        if method == "ACK":
            self._take_ack(request, known)
        elif method == "CANCEL":
            self._take_cancel(request, known)
        elif known is not None:
            self._take_again(known)
        else:
            transaction = self._layer.start_server(request, key, self._now)
            if transaction is None:
                self._refuse(request, 482, f"this {method} came before by another way and is being worked on")
                return
            self._events.append(RequestReceived(request, transaction, at=self._now))
            if self._trying:
                self.handle_timeout(self._now)  # the 100 may be due at once

    def _take_again(self, transaction: ServerTransaction) -> None:
        """The request of a transaction came once more."""
        actions = self._layer.step(transaction, Input.REQUEST, self._now)
        if actions and Action.RESEND in actions and transaction.last_response is not None:
            self._write(transaction.last_response)

    def _take_ack(self, request: Request, invite: ServerTransaction | None) -> None:
        actions = None if invite is None else self._layer.step(invite, Input.ACK, self._now)
        if invite is None or (actions and Action.DELIVER in actions):
            self._events.append(AckReceived(request, invite, at=self._now))

    def _take_cancel(self, request: Request, invite: ServerTransaction | None) -> None:
        """Answer by itself: 200 with the INVITE's To tag, or 481 where there is nothing to cancel (RFC 3261 §9.2)."""
        key = server_key(request, "CANCEL")
        repeated = self._layer.servers.get(key)
        if repeated is not None:
            self._take_again(repeated)
            return
        transaction = self._layer.add_server(request, key)
        if invite is None:
            self.respond(transaction, 481, self._now)
            return
        transaction.to_tag = _tag_sent(invite) or invite.to_tag
        self.respond(transaction, 200, self._now)
        if not invite.responded:
            self._events.append(CancelReceived(request, invite, at=self._now))

    def _refuse(self, request: Request, status: int, reason: str) -> None:
        response = None
        if request.method not in NEVER_ANSWERED:
            response = request.respond(status, to_tag=new_tag())
            self._answer_alone(request, response)
        self._events.append(RequestRefused(request, response, reason, at=self._now))

    def _answer_alone(self, request: Request, response: Response) -> None:
        """Answer in a transaction that the user never sees: it absorbs the ACK of an INVITE, and repetitions."""
        try:
            key = server_key(request, request.method)
        except RemoteProtocolError:
            key = ()
        if not key or key in self._layer.servers:
            self._write(response)
            return
        transaction = self._layer.add_server(request, key)
        transaction.ours = True
        self.send_response(transaction, response, self._now)

    def _break(self, error: RemoteProtocolError) -> None:
        """Nothing more is read. A request whose head could be read still gets the answer of its error (413, 513)."""
        self._broken = True
        refused = self._reader.refused
        if isinstance(refused, Request) and all(name in refused.headers for name in INDISPENSABLE):
            if self._tap is not None:
                self._tap("in", refused)
            self._refuse(refused, error.status_hint, error.reason)
        self._events.append(ConnectionBroken(error, at=self._now))

    def _take_response(self, response: Response) -> None:
        try:
            transaction = self._layer.clients.get((response.top_via.branch or "", response.cseq.method))
        except RemoteProtocolError as error:
            self._events.append(ResponseDiscarded(response, error.reason, at=self._now))
            return
        if transaction is None:
            self._discard(response, "It answers no request that waits for a response on this connection.")
            return
        actions = self._layer.step(transaction, kind_of_status(response.status), self._now)
        if actions is None:
            self._discard(response, f"A {response.status} makes no sense on {transaction!r}.")
            return
        for action in actions:
            if action is Action.DELIVER:
                transaction.response = response
                self._events.append(ResponseReceived(response, transaction, at=self._now))
            elif action is Action.ACKNOWLEDGE:
                self._write(ack_of_failure(transaction.request, response))
        if transaction.cancel_wanted and transaction.state is State.PROCEEDING:
            self.cancel(transaction, self._now)

    def _discard(self, response: Response, reason: str) -> None:
        self._events.append(ResponseDiscarded(response, reason, at=self._now))

    # The engine

    def _start(self, transaction: ClientTransaction, now: float, *, styled: bool = True) -> ClientTransaction:
        if transaction.key in self._layer.clients:
            raise LocalProtocolError(f"The branch {transaction.key[0]!r} is in use.")
        if self._lost is not None:
            transaction.step(Input.LOST)
            self._fail(transaction, "connection", f"The connection was lost: {self._lost}", now)
            return transaction
        self._layer.start_client(transaction, now)
        self._write(transaction.request, styled=styled)
        return transaction

    def _run_out(self, transaction: Transaction, letter: str, actions: tuple[Action, ...], now: float) -> None:
        if Action.TRY in actions:
            assert isinstance(transaction, ServerTransaction)
            transaction.last_response = transaction.request.respond(100)
            self._write(transaction.last_response)
        if Action.TIME_OUT in actions:
            waited = self._layer.lengths[letter]
            awaited = "ACK to the failed" if isinstance(transaction, ServerTransaction) else "final response to"
            sentence = f"No {awaited} {transaction.method} within {waited:g} seconds (timer {letter})"
            self._fail(transaction, "timeout", sentence, now)

    def _fail(
        self, transaction: Transaction, reason: Literal["timeout", "connection"], sentence: str, now: float
    ) -> None:
        assert isinstance(transaction, ClientTransaction | ServerTransaction)
        if isinstance(transaction, ServerTransaction) and transaction.ours:
            return
        self._events.append(TransactionFailed(transaction, reason, f"{sentence.rstrip('.')}.", at=now))

    def _with_via(self, request: Request, branch: str) -> Request:
        headers = Headers.from_block(f"\r\nVia: {self._via}{branch}{request.headers.block}")
        return Request(request.method, request.uri, headers, request.body)

    def _write(self, message: Request | Response, *, styled: bool = True) -> None:
        if self._lost is None:
            if styled and self._style is not None:
                message = self._style(message)
            if self._tap is not None:
                self._tap("out", message)
            self.send_raw(bytes(message))


def _tag_sent(invite: ServerTransaction) -> str | None:
    """The To tag of the response that went out, should it not be the transaction's own (§9.2 wants them the same)."""
    try:
        return None if invite.last_response is None else invite.last_response.to.tag
    except RemoteProtocolError:
        return None
