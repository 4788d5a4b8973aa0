"""DNS messages: what is read without dnspython means the same as with it, broken or not (RFC 1035 §4, RFC 2308)."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.discovery import Answer, Question, RecordType, SrvRecord
from simulator.io import dns_messages
from simulator.io.dns_messages import CannotAsk, read_plain, read_reply, write_query

OWNER = "_sipfederationtls._tcp.fabrikam.test"
SOA = "fabrikam.test. 300 IN SOA ns.fabrikam.test. hostmaster.fabrikam.test. 1 2 3 4 40"


def reply(
    query: bytes,
    *,
    answer: tuple[str, ...] = (),
    authority: tuple[str, ...] = (),
    additional: tuple[str, ...] = (),
    code: int = 0,
) -> bytes:
    """The reply to a query, with records as a zone file has them."""
    message = dns.message.make_response(dns.message.from_wire(query))
    message.set_rcode(dns.rcode.Rcode(code))
    for section, lines in ((message.answer, answer), (message.authority, authority), (message.additional, additional)):
        for line in lines:
            owner, ttl, class_, kind, data = line.split(" ", 4)
            section.append(dns.rrset.from_text(owner, int(ttl), class_, kind, data))
    return message.to_wire()


def by_dnspython(wire: bytes, query: bytes, kind: RecordType) -> dns_messages.Reply | None:
    return dns_messages._read_other(wire, query, kind)


@pytest.mark.parametrize("kind", ["A", "AAAA", "SRV"])
@pytest.mark.parametrize("name", [OWNER, "SIP.Fabrikam.TEST", "test", "sip.fabrikam.test.", "a" * 63 + ".test"])
def test_a_query_is_the_one_that_dnspython_writes(name: str, kind: RecordType) -> None:
    wire = write_query(Question(name, kind))
    whole = name.removesuffix(".") + "."
    assert wire == dns.message.make_query(whole, kind, id=int.from_bytes(wire[:2], "big")).to_wire()


def test_an_odd_name_is_asked_for_by_dnspython() -> None:
    wire = write_query(Question(r"a\.b.fabrikam.test", "A"))
    assert dns.message.from_wire(wire).question[0].name.labels[0] == b"a.b"


@pytest.mark.parametrize("name", ["a" * 64 + ".test", "a..test", ".".join(["a" * 60] * 5)])
def test_a_name_that_no_query_can_hold_is_a_sentence(name: str) -> None:
    with pytest.raises(CannotAsk, match="is no name that can be asked for"):
        write_query(Question(name, "A"))


def test_ids_cannot_be_foretold() -> None:
    assert len({write_query(Question("sip.fabrikam.test", "A"))[:2] for _ in range(20)}) > 10


SRV = (f"{OWNER}. 60 IN SRV 10 5 5061 sip.fabrikam.test.", f"{OWNER}. 60 IN SRV 20 0 443 SIP2.fabrikam.test.")


@pytest.mark.parametrize(
    ("kind", "parts", "meaning"),
    [
        (
            "SRV",
            {"answer": SRV, "additional": ("sip.fabrikam.test. 60 IN A 127.1.2.3",)},
            Answer(
                "noerror",
                (SrvRecord(10, 5, 5061, "sip.fabrikam.test."), SrvRecord(20, 0, 443, "SIP2.fabrikam.test.")),
                None,
                60.0,
            ),
        ),
        ("A", {"answer": (f"{OWNER}. 7 IN A 127.1.2.3",)}, Answer("noerror", ("127.1.2.3",), None, 7.0)),
        (
            "A",
            {"answer": (f"{OWNER}. 7 IN A 127.1.2.3", f"{OWNER}. 9 IN A 127.1.2.4")},
            Answer("noerror", ("127.1.2.3", "127.1.2.4"), None, 7.0),
        ),
        ("AAAA", {"answer": (f"{OWNER}. 7 IN AAAA 2001:db8::1",)}, Answer("noerror", ("2001:db8::1",), None, 7.0)),
        ("A", {"authority": (SOA,)}, Answer("nodata", ttl=40.0)),
        ("A", {"authority": (SOA,), "code": 3}, Answer("nxdomain", ttl=40.0)),
        ("A", {}, Answer("nodata")),
        ("A", {"code": 3}, Answer("nxdomain")),
        ("A", {"code": 5}, Answer("refused")),
        ("A", {"code": 2}, Answer("servfail")),
    ],
    ids=str,
)
def test_a_plain_reply_is_read_without_dnspython(kind: RecordType, parts: dict[str, object], meaning: Answer) -> None:
    query = write_query(Question(OWNER, kind))
    wire = reply(query, **parts)  # type: ignore[arg-type] # the parts of each row
    plain = read_plain(wire, query, kind)
    assert plain is not None
    assert plain.answer == meaning
    assert plain.conclusive == (meaning.status in ("noerror", "nodata", "nxdomain"))
    assert plain == by_dnspython(wire, query, kind)


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("A", {"answer": (f"{OWNER}. 7 IN CNAME sip.fabrikam.test.", "sip.fabrikam.test. 9 IN A 127.1.2.3")}),
        ("A", {"answer": (f"{OWNER}. 7 IN A 127.1.2.3",), "code": 3}),
        ("SRV", {"answer": (f"{OWNER}. 7 IN SRV 0 0 5061 .",)}),
        ("A", {"authority": ("other.test. 300 IN SOA ns.other.test. host.other.test. 1 2 3 4 40",)}),
    ],
    ids=str,
)
def test_an_odd_reply_is_for_dnspython(kind: RecordType, parts: dict[str, object]) -> None:
    query = write_query(Question(OWNER, kind))
    wire = reply(query, **parts)  # type: ignore[arg-type] # the parts of each row
    assert read_plain(wire, query, kind) is None
    assert read_reply(wire, query, kind) == by_dnspython(wire, query, kind) != None  # noqa: E711 - not None, too


def test_what_follows_the_message_makes_it_no_reply() -> None:
    query = write_query(Question(OWNER, "A"))
    assert read_reply(reply(query, code=3), query, "A") is not None
    assert read_reply(reply(query, code=3) + b"\0", query, "A") is None


def test_a_time_to_live_beyond_68_years_is_for_dnspython() -> None:
    """RFC 2181 §8."""
    query = write_query(Question(OWNER, "A"))
    wire = bytearray(reply(query, answer=(f"{OWNER}. 7 IN A 127.1.2.3",)))
    wire[len(query) + 6] = 0x80
    assert read_plain(bytes(wire), query, "A") is None


def test_a_pointer_that_leads_in_a_circle_ends() -> None:
    query = write_query(Question(OWNER, "A"))
    wire = bytearray(reply(query, answer=(f"{OWNER}. 7 IN A 127.1.2.3",)))
    wire[len(query) : len(query) + 2] = (0xC000 | len(query)).to_bytes(2, "big")
    assert read_reply(bytes(wire), query, "A") is None


names = st.sampled_from([OWNER, OWNER.upper(), "sip.fabrikam.test", "fabrikam.test", "other.test", r"a\.b.test", ""])
ttls = st.sampled_from([0, 1, 60, 0x7FFFFFFF])


@st.composite
def lines(draw: st.DrawFn) -> str:
    data = draw(
        st.sampled_from(
            [
                "A 127.1.2.3",
                "A 127.1.2.4",
                "AAAA ::1",
                "AAAA ::ffff:1.2.3.4",
                "AAAA 2001:db8:0:0:1::",
                "SRV 1 2 3 sip.fabrikam.test.",
                "SRV 1 2 3 SIP.fabrikam.test.",
                "SRV 1 2 3 .",
                "CNAME sip.fabrikam.test.",
                "NS ns.fabrikam.test.",
                "SOA ns.fabrikam.test. host.fabrikam.test. 1 2 3 4 40",
                'TXT "hello"',
            ]
        )
    )
    return f"{draw(names)}. {draw(ttls)} IN {data}"


@settings(max_examples=400)
@given(
    kind=st.sampled_from(["A", "AAAA", "SRV"]),
    name=names,
    answer=st.lists(lines(), max_size=3),
    authority=st.lists(lines(), max_size=2),
    additional=st.lists(lines(), max_size=2),
    code=st.sampled_from([0, 0, 0, 2, 3, 5]),
    changes=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=2),
    cut=st.integers(0, 5),
)
@example("A", OWNER, [f"{OWNER}. 1 IN A 127.1.2.3", f"{OWNER}. 2 IN A 127.1.2.3"], [], [], 0, [], 0)
@example("SRV", OWNER, [f"{OWNER}. 1 IN SRV 1 2 3 a.test.", f"{OWNER}. 1 IN SRV 1 2 3 A.test."], [], [], 0, [], 0)
@example("A", OWNER, [], [f"est. 1 IN {SOA.split(' IN ')[1]}"], [], 3, [], 0)
def test_what_is_read_without_dnspython_means_the_same_with_it(
    kind: RecordType,
    name: str,
    answer: list[str],
    authority: list[str],
    additional: list[str],
    code: int,
    changes: list[tuple[int, int]],
    cut: int,
) -> None:
    query = write_query(Question(name, kind))
    wire = bytearray(
        reply(query, answer=tuple(answer), authority=tuple(authority), additional=tuple(additional), code=code)
    )
    for place, value in changes:
        wire[place % len(wire)] = value
    broken = bytes(wire[: len(wire) - cut] if changes else wire)

    plain = read_plain(broken, query, kind)

    assert plain is None or plain == by_dnspython(broken, query, kind)
