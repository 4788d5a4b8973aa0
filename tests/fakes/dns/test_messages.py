"""Any bytes at all: what cannot be a query gets the right refusal or nothing, and never stops the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.dns import Rcode, Transport, Zone, ZoneSet

if TYPE_CHECKING:
    from tests.fakes.dns.conftest import Serve

ZONES = ZoneSet([Zone("fabrikam.test").a("sip", "127.1.2.3").cname("www", "sip.fabrikam.test")])
QUERY = dns.message.make_query("sip.fabrikam.test", "A", use_edns=0, options=[], id=0x1234).to_wire()
QUESTION_END = QUERY.index(b"\x04test\0") + 10
OPT = QUERY[QUESTION_END:]

transports = st.sampled_from(["udp", "tcp"])


def with_counts(questions: int, answers: int = 0, authority: int = 0, additional: int = 0) -> bytes:
    """A header with these counts, and nothing behind it."""
    counts = (questions, answers, authority, additional)
    return b"\x12\x34\x01\x00" + b"".join(count.to_bytes(2, "big") for count in counts)


def must_be_answer_to(wire: bytes, reply: bytes | None) -> None:
    assert (reply is None) == (len(wire) < 12 or bool(wire[2] & 0x80))
    if reply is not None:
        message = dns.message.from_wire(reply)
        assert message.id == int.from_bytes(wire[:2], "big")
        assert message.opcode() == wire[2] >> 3 & 0xF
        assert message.flags & dns.flags.QR
        assert not message.flags & (dns.flags.RA | dns.flags.AD)


@settings(deadline=None)  # a busy machine is no defect
@given(wire=st.binary(max_size=200), transport=transports)
def test_any_bytes_get_an_answer_that_can_be_read_or_none(wire: bytes, transport: Transport) -> None:
    must_be_answer_to(wire, ZONES.answer(wire, transport=transport))


@settings(deadline=None)  # a busy machine is no defect
@given(data=st.data(), transport=transports)
def test_damaged_queries_get_an_answer_that_can_be_read_or_none(data: st.DataObject, transport: Transport) -> None:
    wire = bytearray(QUERY)
    for place in data.draw(st.lists(st.integers(0, len(wire) - 1), min_size=1, max_size=4)):
        wire[place] = data.draw(st.integers(0, 255))
    must_be_answer_to(bytes(wire), ZONES.answer(bytes(wire), transport=transport))


@settings(deadline=None)  # a busy machine is no defect
@given(labels=st.lists(st.binary(min_size=1, max_size=63), max_size=6).filter(lambda x: sum(map(len, x)) < 200))
def test_labels_of_any_octets_are_names_like_others(labels: list[bytes]) -> None:
    """RFC 2181 §11: any octet may stand in a label, so a label that is no UTF-8 is no reason to call it malformed."""
    name = dns.name.Name([*labels, b"fabrikam", b"test", b""])
    reply = ZONES.answer(dns.message.make_query(name, "TXT").to_wire(), transport="udp")

    assert reply is not None
    message = dns.message.from_wire(reply)
    assert message.question[0].name.labels == name.labels
    assert message.rcode() in (dns.rcode.NXDOMAIN, dns.rcode.NOERROR)
    assert message.flags & dns.flags.AA


def test_the_longest_name_is_answered() -> None:
    name = b"\x3fx" + b"x" * 62
    wire = with_counts(1) + name * 3 + b"\x3d" + b"y" * 61 + b"\0\0\1\0\1"
    reply = ZONES.respond(wire, transport="udp")

    assert reply is not None
    assert reply.rcode == Rcode.REFUSED


@pytest.mark.parametrize("length", range(12, len(QUERY)))
def test_a_query_that_ends_too_early_is_a_format_error(length: int) -> None:
    assert ZONES.answer(QUERY[:length], transport="udp") == b"\x12\x34\x81\x01" + bytes(8)


A_QUESTION = b"\x03sip\x08fabrikam\x04test\0\0\1\0\1"


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(with_counts(0), id="no question"),
        pytest.param(with_counts(2) + A_QUESTION * 2, id="two questions (RFC 9619)"),
        pytest.param(QUERY + b"\0", id="bytes behind the end"),
        pytest.param(with_counts(1) + b"\xc0\x0c\0\1\0\1", id="a name that points to itself"),
        pytest.param(with_counts(1) + b"\x41" + b"x" * 65 + b"\0\0\1\0\1", id="a label type that does not exist"),
        pytest.param(with_counts(1) + (b"\x3f" + b"x" * 63) * 4 + b"\0\0\1\0\1", id="a name of 257 octets"),
        pytest.param(
            with_counts(1) + (b"\x3f" + b"x" * 63) * 3 + b"\x3e" + b"y" * 62 + b"\0\0\1\0\1", id="a name of 256 octets"
        ),
        pytest.param(with_counts(1, additional=2) + A_QUESTION + OPT * 2, id="two OPT records"),
        pytest.param(with_counts(1, answers=1) + A_QUESTION + OPT, id="OPT among the answers"),
        pytest.param(with_counts(1, additional=1) + A_QUESTION + b"\1x" + OPT, id="OPT with a name"),
        pytest.param(
            with_counts(1, additional=1) + A_QUESTION + OPT[:-2] + b"\0\3\0\x0a\0", id="an OPT option without length"
        ),
        pytest.param(
            with_counts(1, additional=1) + A_QUESTION + OPT[:-2] + b"\0\4\0\x0a\0\1", id="an OPT option without data"
        ),
    ],
)
def test_malformed_queries_are_a_format_error(wire: bytes) -> None:
    assert ZONES.answer(wire, transport="udp") == b"\x12\x34\x81\x01" + bytes(8)


def test_a_question_for_the_type_opt_is_a_format_error() -> None:
    reply = ZONES.respond(dns.message.make_query("sip.fabrikam.test", "OPT").to_wire(), transport="udp")

    assert reply is not None
    assert reply.rcode == Rcode.FORMERR


def test_pointers_in_a_circle_behind_the_question_do_no_harm() -> None:
    """A reader that follows them never comes back; this one has no reason to follow them."""
    record = b"\x02\xc0\x21\xc0\x21\xc0\x1f\0\1\0\1\0\0\0\0\0\0"
    reply = ZONES.respond(with_counts(1, additional=1) + A_QUESTION + record, transport="udp")

    assert reply is not None


def test_records_that_nobody_asked_for_are_passed_over() -> None:
    """A key record and the like in the additional section; the question counts."""
    record = b"\xc0\x0c\0\x10\0\1\0\0\0\0\0\2\1x"
    reply = ZONES.respond(with_counts(1, additional=2) + A_QUESTION + record + OPT, transport="udp")

    assert reply is not None
    assert [str(record) for record in reply.answers] == ["sip.fabrikam.test. 5 IN A 127.1.2.3"]
    assert dns.message.from_wire(reply.wire).edns == 0


@pytest.mark.parametrize("wire", [b"", b"\x12", QUERY[:11]], ids=len)
def test_less_than_a_header_is_not_answered(wire: bytes) -> None:
    assert ZONES.answer(wire, transport="udp") is None


def test_an_answer_is_not_answered() -> None:
    """Two servers would otherwise talk to each other for ever."""
    reply = ZONES.answer(QUERY, transport="udp")

    assert reply is not None
    assert ZONES.answer(reply, transport="udp") is None


@pytest.mark.parametrize("opcode", [1, 2, dns.opcode.NOTIFY, dns.opcode.UPDATE, 6, 15])
def test_other_operations_are_not_implemented(serve: Serve, fabrikam: Zone, opcode: int) -> None:
    server = serve(fabrikam)
    message = dns.message.make_query("fabrikam.test", "SOA")
    message.flags |= opcode << 11
    reply = dns.query.udp(message, server.address, port=server.port, timeout=5)

    assert (reply.rcode(), reply.opcode()) == (dns.rcode.NOTIMP, opcode)


@settings(deadline=None)  # a busy machine is no defect
@given(type_=st.integers(0, 65535), transport=transports)
def test_every_type_number_gets_a_proper_answer(type_: int, transport: Transport) -> None:
    wire = with_counts(1) + A_QUESTION[:-4] + type_.to_bytes(2, "big") + b"\0\1"
    reply = ZONES.respond(wire, transport=transport)

    assert reply is not None
    assert reply.rcode in (Rcode.NOERROR, Rcode.REFUSED, Rcode.FORMERR)
    assert bool(reply.answers) == (type_ in (dns.rdatatype.A, dns.rdatatype.ANY))
