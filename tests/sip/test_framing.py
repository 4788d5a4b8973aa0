"""Messages and keep-alives from a stream (RFC 3261 §18.3, RFC 5626 §3.5.1)."""

from __future__ import annotations

import pytest

from simulator.errors import RemoteProtocolError
from simulator.sip.framing import (
    NEED_DATA,
    KeepAlivePing,
    KeepAlivePong,
    Limits,
    MessageReader,
    NeedData,
)
from simulator.sip.message import Request, Response

Event = Request | Response | KeepAlivePing | KeepAlivePong
PING, PONG = KeepAlivePing(), KeepAlivePong()


def message(body: bytes = b"hello", *headers: bytes, length: bytes | None = None) -> bytes:
    number = str(len(body)).encode() if length is None else length
    lines = [b"MESSAGE sip:b@c SIP/2.0", *headers, b"Content-Length: " + number]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def drain(reader: MessageReader) -> list[Event]:
    events: list[Event] = []
    while not isinstance(event := reader.next_event(), NeedData):
        events.append(event)
    return events


def read(data: bytes, *, chunk: int | None = None, limits: Limits | None = None) -> list[Event]:
    reader = MessageReader(limits)
    events: list[Event] = []
    size = chunk or len(data)
    for start in range(0, len(data), size):
        reader.receive_data(data[start : start + size])
        events += drain(reader)
    assert reader.buffered == 0
    return events


def refuse(data: bytes, *, limits: Limits | None = None) -> RemoteProtocolError:
    """The error that `data` gives, in one piece and byte by byte alike."""
    errors = []
    for size in (len(data), 1):
        with pytest.raises(RemoteProtocolError) as refused:
            read(data, chunk=size, limits=limits)
        errors.append((refused.value.reason, refused.value.status_hint))
    assert errors[0] == errors[1]
    return refused.value


class TestMessages:
    @pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50, None])
    def test_pipelined_messages_come_out_one_by_one_however_they_are_cut(self, chunk: int | None) -> None:
        wire = [
            message(),
            message(b""),
            message(b"\r\n\r\nMESSAGE x SIP/2.0\r\n\r\n"),
            b"SIP/2.0 200 OK\r\nl:0\r\n\r\n",
        ]
        assert [
            bytes(event) for event in read(b"".join(wire), chunk=chunk) if isinstance(event, Request | Response)
        ] == wire

    def test_nothing_is_given_before_the_last_byte(self) -> None:
        reader = MessageReader()
        data = message(b"body")
        for index in range(len(data)):
            assert reader.next_event() is NEED_DATA
            reader.receive_data(data[index : index + 1])
            assert reader.buffered > 0
        [event] = drain(reader)
        assert isinstance(event, Request)
        assert bytes(event) == data
        assert reader.buffered == 0

    def test_a_stream_that_ends_before_an_awaited_body_shows_it(self) -> None:
        reader = MessageReader()
        reader.receive_data(message(b"", length=b"5"))
        assert reader.next_event() is NEED_DATA
        assert reader.buffered > 0

    @pytest.mark.parametrize(
        "name", [b"Content-Length:", b"CONTENT-LENGTH:", b"content-length :", b"l:", b"L : ", b"cOnTeNt-LeNgTh:\r\n "]
    )
    def test_every_spelling_of_content_length_counts(self, name: bytes) -> None:
        [event] = read(b"MESSAGE sip:b@c SIP/2.0\r\n" + name + b"2\r\n\r\nab")
        assert isinstance(event, Request)
        assert event.body == b"ab"

    def test_any_bytes_like_chunk_is_taken(self) -> None:
        reader = MessageReader()
        data = message()
        reader.receive_data(bytearray(data[:10]))
        reader.receive_data(memoryview(data)[10:])
        assert len(drain(reader)) == 1

    def test_a_message_stays_what_it_was_while_the_next_ones_arrive(self) -> None:
        reader = MessageReader()
        reader.receive_data(message(b"first") + message(b"later"))
        first = reader.next_event()
        reader.receive_data(message(b"third"))
        drain(reader)
        assert isinstance(first, Request)
        assert bytes(first) == message(b"first")


class TestKeepAlives:
    @pytest.mark.parametrize("chunk", [1, 2, 3, None])
    def test_pings_between_messages_are_told_however_they_are_cut(self, chunk: int | None) -> None:
        events = read(b"\r\n\r\n" + message() + b"\r\n\r\n\r\n\r\n" + message(), chunk=chunk)
        assert [type(event) for event in events] == [KeepAlivePing, Request, KeepAlivePing, KeepAlivePing, Request]

    @pytest.mark.parametrize("chunk", [1, 2, 3, None])
    def test_one_crlf_before_a_message_is_a_pong(self, chunk: int | None) -> None:
        events = read(b"\r\n" + message() + b"\r\n" + message(), chunk=chunk)
        assert [type(event) for event in events] == [KeepAlivePong, Request, KeepAlivePong, Request]

    def test_a_pong_that_is_expected_is_told_at_once(self) -> None:
        reader = MessageReader()
        reader.expect_pong()
        reader.receive_data(b"\r")
        assert drain(reader) == []
        reader.receive_data(b"\n")
        assert drain(reader) == [PONG]
        assert reader.buffered == 0

    def test_a_crlf_that_nobody_expects_waits_for_its_other_half(self) -> None:
        reader = MessageReader()
        reader.receive_data(b"\r\n")
        assert drain(reader) == []
        reader.receive_data(b"\r\n")
        assert drain(reader) == [PING]

    def test_each_expected_pong_is_told_once(self) -> None:
        reader = MessageReader()
        reader.expect_pong()
        reader.expect_pong()
        reader.receive_data(b"\r\n\r\n\r\n\r\n")
        assert drain(reader) == [PONG, PONG, PING]

    @pytest.mark.parametrize("data", [b"\n", b"\r\r", b"\rM", b"\r\n\n", b"\r\n\r\r"])
    def test_half_a_line_break_is_no_keep_alive(self, data: bytes) -> None:
        assert refuse(data).status_hint == 400


class TestLengths:
    @pytest.mark.parametrize(
        "length",
        [b"-1", b"+1", b"1 1", b"1,1", b"x", b"", b"1.0", b"0x1", b"\xd9\xa3", b"9" * 30, b"9" * 5000, b"1\r\nl: 2"],
    )
    def test_a_length_that_says_nothing_or_two_things_is_refused_with_400(self, length: bytes) -> None:
        error = refuse(message(b"", length=length))
        assert error.status_hint == 400
        assert "Content-Length" in error.reason

    def test_a_missing_length_is_refused_with_400(self) -> None:
        error = refuse(b"MESSAGE sip:b@c SIP/2.0\r\nX: y\r\n\r\n")
        assert error.status_hint == 400
        assert "missing" in error.reason

    def test_two_lengths_are_refused_with_400_also_where_they_agree(self) -> None:
        """It is no header that may be repeated (RFC 3261 §7.3.1), and who cuts the stream elsewhere might not look."""
        for second, reason in ((b"l: 2", "more than one"), (b"content-length: 3", "contradict")):
            error = refuse(message(b"ab", second))
            assert error.status_hint == 400
            assert reason in error.reason

    def test_a_malformed_head_is_refused_with_its_own_status(self) -> None:
        assert refuse(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").status_hint == 400
        assert refuse(b"OPTIONS sip:a@b SIP/7.0\r\nl: 0\r\n\r\n").status_hint == 505


class TestLimits:
    def test_a_body_at_the_limit_passes_and_one_more_byte_is_413_before_it_arrives(self) -> None:
        limits = Limits(body=5)
        assert len(read(message(b"12345"), limits=limits)) == 1
        assert refuse(message(b"", length=b"6"), limits=limits).status_hint == 413

    def test_a_start_line_at_the_limit_passes_and_one_more_byte_is_414(self) -> None:
        limits = Limits(start_line=len(b"MESSAGE sip:b@c SIP/2.0"))
        assert len(read(message(), limits=limits)) == 1
        assert refuse(message().replace(b"sip:b", b"sip:bb"), limits=limits).status_hint == 414

    def test_a_start_line_that_never_ends_is_414_as_soon_as_it_is_too_long(self) -> None:
        reader = MessageReader(Limits(start_line=10))
        reader.receive_data(b"x" * 11)
        assert reader.next_event() is NEED_DATA, "the eleventh byte might have been the CR behind ten"
        reader.receive_data(b"x")
        with pytest.raises(RemoteProtocolError) as refused:
            reader.next_event()
        assert refused.value.status_hint == 414

    def test_header_bytes_at_the_limit_pass_and_one_more_is_513(self) -> None:
        limits = Limits(header_bytes=len(b"X: 12345\r\nContent-Length: 5\r\n"))
        assert len(read(message(b"hello", b"X: 12345"), limits=limits)) == 1
        assert refuse(message(b"hello", b"X: 123456"), limits=limits).status_hint == 513

    def test_headers_that_never_end_are_513_and_nothing_more_is_stored(self) -> None:
        reader = MessageReader(Limits(header_bytes=1000))
        reader.receive_data(b"MESSAGE sip:b@c SIP/2.0\r\n")
        with pytest.raises(RemoteProtocolError) as refused:
            for _ in range(1010):
                reader.receive_data(b"x")
                reader.next_event()
        assert refused.value.status_hint == 513
        reader.receive_data(b"x" * 1000)
        assert reader.buffered == 0

    def test_headers_at_the_limit_pass_and_one_more_is_513(self) -> None:
        limits = Limits(header_count=3)
        assert len(read(message(b"", b"A: 1", b"B: 2\r\n folded"), limits=limits)) == 1
        assert refuse(message(b"", b"A: 1", b"B: 2", b"C: 3"), limits=limits).status_hint == 513

    def test_the_limits_hold_for_every_message_and_not_only_for_the_first(self) -> None:
        limits = Limits(start_line=30, header_bytes=40)
        assert len(read(message() * 3, limits=limits)) == 3
        assert refuse(message() + message().replace(b"sip:b", b"sip:" + b"b" * 9), limits=limits).status_hint == 414
        assert refuse(message() + message(b"", b"X: " + b"x" * 30), limits=limits).status_hint == 513

    def test_bytes_that_were_searched_are_not_searched_again(self) -> None:
        class CountingBuffer(bytearray):
            searched = 0

            def find(self, sub: bytes, start: int = 0) -> int:  # type: ignore[override]
                self.searched += len(self) - start
                return super().find(sub, start)

        reader = MessageReader()
        buffer = reader._buffer = CountingBuffer()
        data = message(b"", b"X: " + b"x" * 5_000).replace(b"sip:b", b"sip:" + b"b" * 5_000)
        for index in range(len(data)):
            reader.receive_data(data[index : index + 1])
            reader.next_event()
        assert buffer.searched < 10 * len(data)

    def test_the_defaults_are_those_that_are_documented(self) -> None:
        assert Limits() == Limits(start_line=8_192, header_bytes=65_536, header_count=256, body=1_000_000)
        largest = message(b"x" * 1_000_000)
        assert len(read(largest, chunk=16_384)) == 1
        assert refuse(message(b"", length=b"1000001")).status_hint == 413


class TestBrokenReaders:
    def test_messages_before_the_mistake_are_given_first(self) -> None:
        reader = MessageReader()
        reader.receive_data(message() + b"nonsense\r\n\r\n" + message())
        assert isinstance(reader.next_event(), Request)
        assert reader.error is None
        with pytest.raises(RemoteProtocolError):
            reader.next_event()

    def test_a_broken_reader_stays_broken_and_stores_nothing(self) -> None:
        reader = MessageReader()
        reader.receive_data(b"nonsense\r\n\r\n")
        with pytest.raises(RemoteProtocolError) as first:
            reader.next_event()
        reader.receive_data(message())
        with pytest.raises(RemoteProtocolError) as second:
            reader.next_event()
        assert first.value is second.value is reader.error
        assert reader.buffered == 0
        assert reader.refused is None

    def test_a_message_over_a_limit_can_still_be_answered(self) -> None:
        reader = MessageReader(Limits(body=1))
        reader.receive_data(message(b"too long", b"Via: SIP/2.0/TLS a", b"To: <sip:b@c>"))
        with pytest.raises(RemoteProtocolError) as refused:
            reader.next_event()
        assert isinstance(reader.refused, Request)
        response = reader.refused.respond(refused.value.status_hint, to_tag="t")
        assert response.start_line == "SIP/2.0 413 Request Entity Too Large"
        assert response.top_via.host == "a"


@pytest.mark.parametrize("piece", [1, 1_400, 65_536, 100_000, 1_000_000])
def test_long_bodies_come_whole_in_pieces_of_any_size(piece: int) -> None:
    bodies = [bytes([65 + number]) * (200_000 if piece > 1 else 70_000) + b"end" for number in range(3)]
    headers = [("CSeq", "1 MESSAGE")]
    wire = b"".join(bytes(Request.build("MESSAGE", "sip:a@b.test", headers, body, "text/plain")) for body in bodies)
    reader = MessageReader()
    seen: list[bytes] = []
    for start in range(0, len(wire), piece):
        reader.receive_data(wire[start : start + piece])
        while not isinstance(message := reader.next_event(), NeedData):
            assert isinstance(message, Request)
            seen.append(message.body)
        arrived = min(start + piece, len(wire))
        head = reader.incomplete
        taken = sum(map(len, seen)) + len(seen) * (len(wire) - sum(map(len, bodies))) // 3
        assert reader.buffered == arrived - taken - (0 if head is None else len(bytes(head)) - 1)
    assert seen == bodies
