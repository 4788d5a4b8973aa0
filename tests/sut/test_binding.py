"""Where partners stand for a server on another machine: on one address with their own ports, or on one each."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from simulator.errors import ConfigurationError
from simulator.federation import Engine, Federation
from simulator.io.addresses import SIP_TLS_PORT, OneEach, PortRange, is_ours
from simulator.scenarios.steps import must_chat_both_ways
from simulator.sut.binding import read_bind
from simulator.sut.network import addresses_of
from simulator.sut.settings import Network, SutSettings
from tests.real.ports import free_port

SEVERAL = "127.0.5.1, 127.0.5.2, 127.0.5.3, 127.0.5.4"

needs_loopback_network = pytest.mark.skipif(not is_ours("127.0.5.1"), reason="only 127.0.0.1 is local here (macOS)")
needs_ipv6 = pytest.mark.skipif(not is_ours("::1"), reason="there is no IPv6 here")


@contextmanager
def federation_at(written: str, ports: tuple[int, int] = (0, 0)) -> Iterator[Federation]:
    engine = Engine(settings=SutSettings(network=Network(read_bind(written), ports, free_port())))
    try:
        engine.start_embedded()
        federation = Federation(engine)
        yield federation
        assert federation.close() == []
    finally:
        engine.close()


@contextmanager
def taken(address: str) -> Iterator[None]:
    with socket.create_server((address, SIP_TLS_PORT)):
        yield


@needs_loopback_network
def test_of_several_addresses_each_partner_has_one_and_the_dns_the_first() -> None:
    with federation_at(SEVERAL) as federation:
        partners = [federation.partner() for _ in range(3)]
        for partner in partners:
            must_chat_both_ways(federation, partner)

        places = {(partner.edge.address, partner.edge.port) for partner in partners}
        places.add((federation.sut.address, federation.sut.port))
        assert places == {(address, SIP_TLS_PORT) for address in SEVERAL.split(", ")}
        assert federation.dns.address == "127.0.5.1"


@needs_loopback_network
def test_an_address_is_there_again_for_the_partners_of_the_next_test() -> None:
    with federation_at("127.0.5.1, 127.0.5.2") as federation:
        for _ in range(5):
            one_test = Federation(federation._engine)
            must_chat_both_ways(one_test, one_test.partner())
            assert one_test.close() == []


@needs_loopback_network
def test_too_few_addresses_are_a_mistake_that_says_what_to_do() -> None:
    with federation_at("127.0.5.1, 127.0.5.2") as federation:
        federation.partner()

        with pytest.raises(ConfigurationError, match=r"Port 5061 is taken on all 2 addresses.*name more addresses"):
            federation.partner()


@needs_loopback_network
def test_an_address_that_somebody_else_uses_is_passed_over() -> None:
    addresses = OneEach(("127.0.5.1", "127.0.5.2"))

    with taken("127.0.5.1"):
        assert [addresses.take(), addresses.take()] == [("127.0.5.2", SIP_TLS_PORT)] * 2


@needs_ipv6
def test_partners_stand_on_an_address_of_ipv6() -> None:
    first = free_port()
    with federation_at("::1", (first, min(first + 50, 65535))) as federation:
        partner = federation.partner()

        must_chat_both_ways(federation, partner)

        assert partner.edge.address == "::1"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("203.0.113.1", "This machine has no address 203.0.113.1; give it"),
        ("127.0.0.1, 203.0.113.1", "This machine has no address 203.0.113.1; give it"),
        ("203.0.113.0/29", "This machine has no address 203.0.113.1 and 5 more of 203.0.113.0/29; give it"),
    ],
)
def test_an_address_that_this_machine_lacks_is_a_mistake(written: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        addresses_of(Network(read_bind(written)))


def test_a_single_address_is_for_all_with_ports_of_their_own() -> None:
    assert isinstance(addresses_of(Network(read_bind("127.0.0.1"))), PortRange)
    assert isinstance(addresses_of(Network(read_bind("127.0.0.1/32"))), PortRange)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--public", "8.8.8.8"), "--public: It repeats what --bind names; write --bind 8.8.8.8 as well."),
        (("--bind", "8.8.8.8, 8.8.4.4"), "8.8.8.8 is a public address; if everybody may reach the partners, add"),
        (("--bind", "10.0.0.5", "--public", "8.8.8.8"), "It repeats what --bind names, which is 10.0.0.5; leave it"),
        (("--bind", "10.0.0.1/24"), '"10.0.0.1/24" is no range of addresses'),
        (("--bind", "10.0.0.1, ::1"), "names addresses of IPv4 and of IPv6; write those of one family"),
        (("--bind", "10.0.0.1, x"), '"x" is no IP address'),
        (("--bind", ""), "--bind"),
        (("--bind", "203.0.113.1"), "This machine has no address 203.0.113.1"),
    ],
)
def test_a_mistake_on_the_command_line_is_named(options: tuple[str, ...], sentence: str) -> None:
    command = [sys.executable, "-m", "simulator.cli", "run", *options, "chat/open-to-the-partner"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 2
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
