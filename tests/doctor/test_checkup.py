"""What the command line says, read into a checkup."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator import tls
from simulator.doctor import Checkup
from simulator.doctor.checkup import read_checkup, read_dns, read_host_port
from simulator.errors import ConfigurationError, InvalidName
from simulator.federation import Federation
from simulator.names import SipDomain


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("sip.acme.test", "sip.acme.test", 5061),
        ("SIP.Acme.Test.:5062", "sip.acme.test", 5062),
        ("192.0.2.1", "192.0.2.1", 5061),
        ("192.0.2.1:443", "192.0.2.1", 443),
        ("2001:db8::1", "2001:db8::1", 5061),
        ("[2001:db8::1]", "2001:db8::1", 5061),
        ("[2001:db8::1]:443", "2001:db8::1", 443),
    ],
)
def test_a_server_is_a_name_or_an_address_with_or_without_port(text: str, host: str, port: int) -> None:
    read = read_host_port(text, "--host")

    assert (str(read.host), read.port) == (host, port)
    assert read_host_port(str(read), "--host") == read


@pytest.mark.parametrize(
    "text", ["", "a b", "*.acme.test", "sip.acme.test:", "sip.acme.test:0", "x:65536", "x:-1", ":5061"]
)
def test_what_is_no_server_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--host: "):
        read_host_port(text, "--host")


def test_a_name_server_is_an_address() -> None:
    assert read_dns("127.0.0.1", "--dns") == ("127.0.0.1", 53)
    assert read_dns("127.0.0.1:5353", "--dns") == ("127.0.0.1", 5353)
    assert read_dns("[::1]:5353", "--dns") == ("::1", 5353)
    assert read_dns("::1", "--dns") == ("::1", 53)
    with pytest.raises(ConfigurationError, match="no IP address"):
        read_dns("ns.acme.test", "--dns")


def test_our_domain_is_what_our_certificate_serves(federation: Federation) -> None:
    def requester(name: str, profile: str = "dual") -> str:
        issued = federation.authority.issue(name, profile)
        identity = tls.Identity(issued.chain_pem, issued.key_pem)
        return str(Checkup(SipDomain.parse("partner.test"), identity=identity).requester)

    assert requester("sip.acme.test") == "acme.test"
    assert requester("edge.de.acme.test") == "de.acme.test"
    assert requester("acme.test") == "sipfed.invalid", "a top-level domain is nobody's"
    assert requester("sip.acme.test", "wildcard") == "sipfed.invalid"
    assert str(Checkup(SipDomain.parse("partner.test")).requester) == "sipfed.invalid"


def test_certificate_key_and_roots_are_read(federation: Federation, tmp_path: Path) -> None:
    issued = federation.authority.issue("sip.acme.test")
    certificate, key = federation.authority.write(issued)
    both = tmp_path / "both.pem"
    both.write_bytes(issued.chain_pem + issued.key_pem)

    two = read_checkup("partner.test", certificate=certificate, key=key, roots=federation.authority.write_root())
    one = read_checkup("partner.test", certificate=both)

    assert two.own_names == one.own_names == ("sip.acme.test",)
    assert two.own_host == "sip.acme.test"
    assert two.roots == (federation.authority.root,)


def test_files_that_do_not_fit_are_refused(federation: Federation, tmp_path: Path) -> None:
    authority = federation.authority
    certificate, _ = authority.write(authority.issue("one.acme.test"))
    _, key = authority.write(authority.issue("two.acme.test"))
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_bytes(b"nonsense")

    with pytest.raises(ConfigurationError, match=r"^certificate: .*key"):
        read_checkup("partner.test", certificate=certificate, key=key)
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_checkup("partner.test", certificate=certificate)
    with pytest.raises(ConfigurationError, match=r"^--roots: .*holds no certificates"):
        read_checkup("partner.test", roots=nonsense)
    with pytest.raises(ConfigurationError, match=r"^--roots: .*can't be read"):
        read_checkup("partner.test", roots=tmp_path / "missing.pem")


def test_options_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^--expect: .*only one of them"):
        read_checkup("partner.test", host="a.test", expect="b.test")
    with pytest.raises(ConfigurationError, match=r"^--key: it needs --certificate"):
        read_checkup("partner.test", key=Path("key.pem"))
    with pytest.raises(InvalidName):
        read_checkup("single")
    with pytest.raises(InvalidName):
        read_checkup("partner.test", sender="not a domain")
