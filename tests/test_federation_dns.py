"""The DNS of a federation goes wrong on request, and says what it was asked."""

from __future__ import annotations

import socket

import dns.message
import dns.query
import dns.rcode
import pytest

from fakes.dns import QueryNotSeen
from simulator.federation import Engine, Federation


def rcode(federation: Federation, name: str, type_: str = "A") -> str:
    server = federation.dns
    reply = dns.query.udp(dns.message.make_query(name, type_), server.address, port=server.port, timeout=5)
    return dns.rcode.to_text(reply.rcode())


def test_a_fault_lasts_as_long_as_the_test(sipfed_engine: Engine) -> None:
    federation = Federation(sipfed_engine)
    name = str(federation.sut.fqdn)
    federation.dns.fault(name, "servfail")
    assert rcode(federation, name) == "SERVFAIL"
    federation.close()

    assert rcode(federation, name) == "NOERROR"


def test_a_partner_whose_srv_record_cannot_be_had_gets_no_message(federation: Federation) -> None:
    partner = federation.partner()
    federation.dns.fault(partner.domain.srv_name, "servfail")

    federation.sut.user("alice").chat_with(partner.user("bob")).say("hello").must_fail()
    assert federation.wait_for_query(partner.domain.srv_name, "SRV").rcode == "SERVFAIL"


def test_a_late_answer_comes_when_the_clock_is_set_ahead(federation: Federation) -> None:
    name, server = str(federation.sut.fqdn), federation.dns
    server.fault(name, "late", delay=3600)
    with socket.socket(type=socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        asker.sendto(dns.message.make_query(name, "A", id=1).to_wire(), (server.address, server.port))
        federation.wait_for_query(name)
        federation.advance(3600)
        assert asker.recv(500)[:2] == b"\0\1"


def test_the_evidence_shows_a_question_without_an_answer(federation: Federation) -> None:
    name, server = str(federation.sut.fqdn), federation.dns
    server.fault(name, "no-answer", times=1)
    with socket.socket(type=socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        for id_ in (1, 2):
            asker.sendto(dns.message.make_query(name, "A", id=id_).to_wire(), (server.address, server.port))
        assert asker.recv(500)[:2] == b"\0\2"

    assert [record.what for record in federation.records if record.layer == "dns"] == ["question", "question", "answer"]


def test_a_query_of_another_test_does_not_count(sipfed_engine: Engine) -> None:
    first = Federation(sipfed_engine)
    name = str(first.sut.fqdn)
    rcode(first, name, "TXT")
    assert first.wait_for_query(name, "TXT", client="127.0.0.1").type == "TXT"
    first.close()
    second = Federation(sipfed_engine)
    try:
        with pytest.raises(QueryNotSeen, match=f"was not asked for TXT {name} within 0 s"):
            second.wait_for_query(name, "TXT", timeout=0)
    finally:
        second.close()
