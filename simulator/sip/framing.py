"""Frame a byte stream into SIP messages and keep-alives (RFC 3261 §18.3, RFC 5626 §3.5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from typing import Final

from simulator.errors import RemoteProtocolError
from simulator.sip.message import Request, Response, content_length, parse_head, salvage_request


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one message is taken in; one past each is refused."""

    start_line: int = 8_192
    "Bytes of the request or status line; 414 beyond."
    header_bytes: int = 65_536
    "Bytes of all header lines with their CRLFs; 513 beyond."
    header_count: int = 256
    "Header lines, folded ones counted once; 513 beyond."
    body: int = 1_000_000
    "Bytes of the body, known from Content-Length before any of it arrives; 413 beyond. S4B takes 5,000 kB of a server."


@dataclass(frozen=True, slots=True)
class KeepAlivePing:
    """CRLFCRLF between messages: the peer asks for a pong, one CRLF (RFC 5626 §4.4.1)."""


@dataclass(frozen=True, slots=True)
class KeepAlivePong:
    """One CRLF between messages."""


class NeedData(Enum):
    """The type of NEED_DATA."""

    NEED_DATA = "need data"


NEED_DATA: Final = NeedData.NEED_DATA
"There is no further event before more bytes arrive."

PIECE = 65_536
"Bytes of a body that is not complete which make it a long one."
PING = KeepAlivePing()
PONG = KeepAlivePong()


class MessageReader:
    """The receiving side of one stream: `receive_data` stores, `next_event` takes out a message or keep-alive.

    The events do not depend on how the bytes are cut into chunks, and the work is linear in the bytes, also when they
    come one by one. After a RemoteProtocolError there is no telling where the next message begins: the reader stays
    broken, raises the same error again and stores nothing more.
    """

    __slots__ = (
        "_buffer",
        "_error",
        "_head",
        "_limits",
        "_line_end",
        "_long",
        "_missing",
        "_pongs_expected",
        "_searched",
        "refused",
    )

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._buffer = bytearray()
        self._searched = 0
        "No CRLFCRLF begins before this index of the buffer."
        self._line_end = -1
        "Where the CRLF of the start line begins; -1 until it is there."
        self._head: Request | Response | None = None
        "The message whose body is still arriving; its head has left the buffer."
        self._missing = 0
        "How many bytes of its body are still to be taken from the buffer."
        self._long = BytesIO()
        "Those that were taken before."
        self._pongs_expected = 0
        self._error: RemoteProtocolError | None = None
        self.refused: Request | Response | None = None
        "After an error: the message without its body, where its head could be read, so that it can be answered."

    @property
    def buffered(self) -> int:
        """Bytes stored that belong to no event yet; more than 0 at the end of the stream means it was cut short."""
        return self._long.tell() + len(self._buffer) + (self._head is not None)

    @property
    def incomplete(self) -> Request | Response | None:
        """The message whose head is there and whose body is still arriving, without that body."""
        return self._head

    @property
    def error(self) -> RemoteProtocolError | None:
        """What broke this reader, or None."""
        return self._error

    def expect_pong(self) -> None:
        """Say that a ping was sent, so that a lone CRLF is a pong at once; unexpected, it waits for what follows it.

        One CRLF could be a pong or the first half of a ping. It counts as a pong when one is expected or when a message
        follows it.
        """
        self._pongs_expected += 1

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Store bytes of the peer, in any chunking.

        Take out the events after each call: only that bounds what is stored.
        """
        if self._error is None:
            self._buffer += data

    def next_event(self) -> Request | Response | KeepAlivePing | KeepAlivePong | NeedData:
        """The next message or keep-alive, or NEED_DATA.

        Raises RemoteProtocolError with the `status_hint` to answer: 400 malformed or a missing, malformed,
        repeated or contradictory Content-Length, 413 body, 414 start line, 513 headers over the limit, 505 another SIP
        version.
        """
        if self._error is not None:
            raise self._error.with_traceback(None)
        try:
            return self._next_event()
        except RemoteProtocolError as error:
            self._error = error
            self.refused, self._head = self._head, None
            self._buffer.clear()
            self._long = BytesIO()
            raise

    def _next_event(self) -> Request | Response | KeepAlivePing | KeepAlivePong | NeedData:
        if self._head is None:
            if not self._buffer:
                return NEED_DATA
            if self._buffer[0] in b"\r\n":
                return self._keep_alive()
        message = self._head or self._take_head()
        if message is None:
            return NEED_DATA
        if self._missing and not self._take_body(message):
            return NEED_DATA
        self._head = None
        return message

    def _take_body(self, message: Request | Response) -> bool:
        """Give the message its body once that is there. What is there of a long one leaves the buffer, which else would
        be copied whenever it has to grow and once more at the end."""
        buffer, missing, long = self._buffer, self._missing, self._long
        if len(buffer) < missing:
            if len(buffer) >= PIECE:
                long.write(buffer)
                self._missing -= len(buffer)
                buffer.clear()
            return False
        if long.tell():
            long.write(buffer[:missing])
            message.body = long.getvalue()
            self._long = BytesIO()
        else:
            message.body = bytes(buffer[:missing])
        del buffer[:missing]
        return True

    def _keep_alive(self) -> KeepAlivePing | KeepAlivePong | NeedData:
        """The buffer begins with CR or LF, where a message would begin."""
        start = bytes(self._buffer[:4])
        if start[:2] != b"\r\n"[: len(start)]:
            raise RemoteProtocolError("a CR or LF stands alone between two messages")
        if len(start) == 1:
            return NEED_DATA
        if self._pongs_expected:
            self._pongs_expected -= 1
        elif start == b"\r\n\r\n":
            del self._buffer[:4]
            return PING
        elif start in {b"\r\n", b"\r\n\r"}:
            return NEED_DATA
        del self._buffer[:2]
        return PONG

    def _take_head(self) -> Request | Response | None:
        """Move a complete head from the buffer to `_head` and learn the body's length; None while it is incomplete."""
        buffer = self._buffer
        limits = self._limits
        line_end = self._line_end
        if line_end < 0:
            line_end = self._line_end = buffer.find(b"\r\n", self._searched)
        if (line_end if line_end >= 0 else len(buffer) - 1) > limits.start_line:
            raise RemoteProtocolError(f"the start line is over {limits.start_line} bytes", status_hint=414)
        end = buffer.find(b"\r\n\r\n", self._searched)
        if line_end >= 0 and (end if end >= 0 else len(buffer) - 3) - line_end > limits.header_bytes:
            raise RemoteProtocolError(f"the headers are over {limits.header_bytes} bytes", status_hint=513)
        if end < 0:
            self._searched = max(0, len(buffer) - 3)
            return None
        try:
            message = parse_head(buffer[:end])
        except RemoteProtocolError:
            self._head = salvage_request(buffer[:end])
            raise
        self._head = message
        del buffer[: end + 4]
        self._searched = 0
        self._line_end = -1
        message.headers.split()
        if len(message.headers) > limits.header_count:
            raise RemoteProtocolError(f"there are over {limits.header_count} headers", status_hint=513)
        length = content_length(message.headers)
        if length is None:
            raise RemoteProtocolError("Content-Length is missing, without which a stream can't be read on")
        if length > limits.body:
            raise RemoteProtocolError(f"the body of {length} bytes is over {limits.body}", status_hint=413)
        self._missing = length
        return message
