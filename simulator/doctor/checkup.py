"""What is to be examined, as an administrator says it on the command line (R27-R34, R39-R41)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from simulator import tls, trust
from simulator.doctor.probe import NOBODY
from simulator.errors import ConfigurationError, InvalidName, Problem
from simulator.io.probe import PROBES, S4B, Probe
from simulator.names import Fqdn, Host, SipDomain, parse_host

SIP_PORT = 5061
"The port of federation in every document (F1.16)."
DNS_PORT = 53
STEP_LIMIT = 8.0
"Seconds that one step may take unless the caller says otherwise."


@dataclass(frozen=True, slots=True)
class HostPort:
    """A server as a static route names it."""

    host: Host
    "Name or address (R33)."
    port: int = SIP_PORT
    "TCP port."

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in str(self.host) else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Checkup:
    """One examination; everything in it is already read and valid."""

    domain: SipDomain
    "The SIP domain that is examined."
    static: HostPort | None = None
    "The server of a static route; None to look it up by SRV."
    expected: HostPort | None = None
    "Where the SRV record should lead; None when that is not known."
    dns: tuple[str, int] | None = None
    "Address and port of the name server to ask; None for those of this machine."
    our_side: bool = False
    "Whether it is one's own server, to be judged as Skype for Business and Teams judge it."
    identity: tls.Identity | None = None
    "Our client certificate; without one the steps behind mutual TLS are not checked."
    roots: tuple[x509.Certificate, ...] | None = None
    "The roots to trust; None for those of the public web."
    sender: SipDomain | None = None
    "The domain that requests come from; None to take it from the client certificate."
    probe: Probe = S4B
    "How the SIP request is written."
    limit: float = STEP_LIMIT
    "Seconds for each step."
    at: datetime | None = None
    "The time to judge certificates by; None for now."

    @cached_property
    def own_names(self) -> tuple[str, ...]:
        """The names in our certificate; empty without one."""
        if self.identity is None:
            return ()
        return trust.names_of(x509.load_pem_x509_certificates(self.identity.chain_pem)[0])

    @property
    def own_host(self) -> str:
        """What we call ourselves in SIP."""
        return next((name for name in self.own_names if "*" not in name), f"client.{NOBODY}")

    @property
    def requester(self) -> SipDomain:
        """The domain in From: as given, else the one that the first name in our certificate serves (R9)."""
        if self.sender is not None:
            return self.sender
        for name in self.own_names:
            try:
                fqdn = Fqdn.parse(name)
            except InvalidName:
                continue
            if len(fqdn.labels) > 2:
                return SipDomain(fqdn.labels[1:])
        return NOBODY


def read_checkup(
    domain: str,
    *,
    dns: str | None = None,
    host: str | None = None,
    expect: str | None = None,
    our_side: bool = False,
    certificate: Path | None = None,
    key: Path | None = None,
    roots: Path | None = None,
    sender: str | None = None,
    probe: str = S4B.name,
    timeout: float = STEP_LIMIT,
) -> Checkup:
    """Read what was said on the command line; raises InvalidName or ConfigurationError for what makes no sense."""
    if host is not None and expect is not None:
        raise _wrong("--expect", "a static route (--host) takes the place of the SRV record, so give only one of them.")
    if key is not None and certificate is None:
        raise _wrong("--key", "it needs --certificate.")
    return Checkup(
        domain=SipDomain.parse(domain),
        static=read_host_port(host, "--host") if host is not None else None,
        expected=read_host_port(expect, "--expect") if expect is not None else None,
        dns=read_dns(dns, "--dns") if dns is not None else None,
        our_side=our_side,
        identity=read_identity(certificate, key) if certificate is not None else None,
        roots=read_roots(roots) if roots is not None else None,
        sender=SipDomain.parse(sender) if sender is not None else None,
        probe=PROBES[probe],
        limit=timeout,
    )


def read_host_port(text: str, option: str) -> HostPort:
    """Read `host[:port]`; a bracketed or bare IPv6 address is a host. Raises ConfigurationError."""
    host, port = _split_port(text, SIP_PORT, option)
    try:
        return HostPort(parse_host(host), port)
    except InvalidName as error:
        raise _wrong(option, str(error)) from None


def read_dns(text: str, option: str) -> tuple[str, int]:
    """Read `address[:port]` of a name server. Raises ConfigurationError."""
    host, port = _split_port(text, DNS_PORT, option)
    try:
        return str(ip_address(host.strip("[]"))), port
    except ValueError:
        raise _wrong(option, f"{host!r} is no IP address; write 127.0.0.1:5353, for instance.") from None


def read_identity(chain: Path, key: Path | None) -> tls.Identity:
    """Read a client certificate; without `key` the key is in the same file. Raises ConfigurationError if unusable."""
    identity = tls.Identity(_read(chain, "--certificate"), _read(key or chain, "--key" if key else "--certificate"))
    tls.Endpoint(tls.Context(identity, "client", verify=lambda _: tls.Refusal("", "")))  # raises when it does not fit
    try:
        trust.names_of(x509.load_pem_x509_certificates(identity.chain_pem)[0])
    except ValueError as error:
        raise _wrong("--certificate", f"{chain} can't be read: {error}.") from None
    return identity


def read_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """Read the roots to trust from a PEM file. Raises ConfigurationError."""
    try:
        return tuple(x509.load_pem_x509_certificates(_read(path, "--roots")))
    except ValueError as error:
        raise _wrong("--roots", f"{path} holds no certificates in PEM: {error}.") from None


def _split_port(text: str, default: int, option: str) -> tuple[str, int]:
    bare_ipv6 = text.count(":") > 1 and not text.startswith("[")
    host, colon, port = (text, "", "") if bare_ipv6 or text.endswith("]") else text.rpartition(":")
    if not colon:
        return text, default
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise _wrong(option, f"{port!r} in {text!r} is no port; write a number from 1 to 65535.")
    return host, int(port)


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _wrong(option, f"{path} can't be read: {error.strerror}.") from None


def _wrong(option: str, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(option, message)])
