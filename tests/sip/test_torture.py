"""The torture messages of RFC 4475 and RFC 5118: what becomes of each, by the tables beside them."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import RemoteProtocolError
from simulator.sip.connection import SipConnection
from simulator.sip.events import ConnectionBroken, RequestReceived, ResponseDiscarded
from simulator.sip.framing import MessageReader
from simulator.sip.message import Message, Request, Response, parse
from simulator.sip.views import HeaderViews, View

CORPUS = Path(__file__).parent.parent / "corpus"
CASES: list[dict[str, Any]] = [
    {**row, "path": CORPUS / rfc / f"{row['file']}.sip"}
    for rfc in ("rfc4475", "rfc5118")
    for row in tomllib.loads((CORPUS / f"{rfc}.toml").read_text(encoding="utf-8"))["message"]
]
VIEWS = [name for name, view in vars(HeaderViews).items() if isinstance(view, View)]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['section']} {case['file']}")


def wire(case: dict[str, Any]) -> bytes:
    data: bytes = case["path"].read_bytes()
    return data


def look(message: Message, path: str) -> str:
    """What stands at `vias.1.host`."""
    value: Any = message
    for step in path.split("."):
        value = value[int(step)] if step.isdigit() else getattr(value, step)
    return str(value)


def refused_views(message: Message) -> dict[str, int]:
    """Which views raise, and with what status."""
    refused = {}
    for view in VIEWS:
        try:
            getattr(message, view)
        except RemoteProtocolError as error:
            refused[view] = error.status_hint
    return refused


@every_case
def test_every_torture_message_meets_what_its_table_says(case: dict[str, Any]) -> None:
    data, status = wire(case), case.get("status")
    if case["expect"] == "parser":
        with pytest.raises(RemoteProtocolError) as refused:
            parse(data)
        assert refused.value.status_hint == status
        return
    message = parse(data)
    assert bytes(message) == bytes(message.copy()) == data
    if case["expect"] == "validate":
        with pytest.raises(RemoteProtocolError) as refused:
            message.validate()
        assert refused.value.status_hint == status
    else:
        message.validate()
        assert refused_views(message) == ({case["view"]: status} if case["expect"] == "view" else {})
    for path, expected in case.get("shows", {}).items():
        assert look(message, path) == expected
    assert bytes(message) == data, "looking changes nothing"


@every_case
def test_on_a_stream_every_torture_message_has_the_end_that_its_table_says(case: dict[str, Any]) -> None:
    connection = SipConnection(sent_by="ours.test:5061")
    events = []
    for byte in wire(case):
        connection.receive_data(bytes([byte]), 1.0)
        while (event := connection.next_event()) is not None:
            events.append(event)
    answers = connection.data_to_send()
    kinds = [type(event) for event in events]
    match case["wire"]:
        case "delivered":
            assert (kinds[0], answers) == (RequestReceived, b"")
        case "answered":
            assert answers.startswith(f"SIP/2.0 {case['status']} ".encode())
            parse(answers).headers.check()
        case "discarded":
            assert (kinds, answers) == ([ResponseDiscarded], b"")
        case "unanswerable":
            assert (kinds, answers) == ([ConnectionBroken], b"")
        case "waits":
            assert (kinds, answers) == ([], b"")
        case other:
            pytest.fail(f"{other} is no end that a message can have")


@every_case
def test_what_is_accepted_comes_out_of_a_stream_byte_for_byte(case: dict[str, Any]) -> None:
    if case["expect"] == "parser" or case["file"] == "inv2543":
        return
    reader = MessageReader()
    reader.receive_data(wire(case) * 2)
    for _ in range(2):
        message = reader.next_event()
        assert isinstance(message, Request | Response)
        assert bytes(message) == wire(case)
    assert reader.buffered == 0


def test_two_requests_in_one_datagram_are_two_on_a_stream() -> None:
    reader = MessageReader()
    data = (CORPUS / "rfc4475" / "dblreq.sip").read_bytes()
    reader.receive_data(data)
    first, second = reader.next_event(), (reader.next_event(), reader.next_event())[1]
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert (first.method, second.method, second.uri) == ("REGISTER", "INVITE", "sip:joe@example.com")
    assert data.startswith(bytes(first) + b"\r\n" + bytes(second))


def test_the_tables_name_every_file_and_every_section() -> None:
    assert {case["path"] for case in CASES} == set(CORPUS.glob("rfc*/*.sip"))
    assert Counter(case["path"].parent.name for case in CASES) == {"rfc4475": 49, "rfc5118": 12}
    assert len({case["section"] for case in CASES if case["path"].parent.name == "rfc4475"}) == 49
