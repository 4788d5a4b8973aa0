"""The names a certificate holds, and which of them count (RFC 5922 §7, RFC 6125; F2.1–F2.12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509
from cryptography.x509.oid import NameOID

from simulator.names import Fqdn
from simulator.trust.rules import Rules
from simulator.trust.verdict import Reason, ReasonKind

IPAddress = IPv4Address | IPv6Address
Expected = Fqdn | IPAddress
"""What a certificate can be asked to speak for: a host, or where a static route has an address, that (R33, R34)."""


def name_reasons(certificate: x509.Certificate, expected: Expected, rules: Rules) -> tuple[Reason, ...]:
    """Why `certificate` does not speak for `expected` under the name rules alone; empty when it does.

    For the check after the handshake: does the client's certificate hold the server of its SIP domain (F0.2)?
    Raises ValueError when the certificate's extensions can't be read.
    """
    return tuple(Names.read(certificate).reasons(str(expected).lower(), rules))


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """All names a certificate holds: DNS, IP and sip URI entries, or the CN where it has no subjectAltName.

    Empty for none; raises ValueError when the certificate's extensions can't be read.
    """
    return Names.read(certificate).all


@dataclass(frozen=True, slots=True)
class Names:
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    sip: tuple[str, ...]
    common: tuple[str, ...]
    has_san: bool

    @classmethod
    @lru_cache(maxsize=256)
    def read(cls, certificate: x509.Certificate) -> Names:
        """The names in this certificate; those of the last ones are remembered."""
        common = tuple(
            str(attribute.value).lower().removesuffix(".")
            for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        )
        try:
            san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return cls((), (), (), common, has_san=False)
        return cls(
            tuple(name.lower().removesuffix(".") for name in san.get_values_for_type(x509.DNSName)),
            tuple(str(address) for address in san.get_values_for_type(x509.IPAddress)),
            tuple(
                uri.lower()
                for uri in san.get_values_for_type(x509.UniformResourceIdentifier)
                if uri.lower().startswith("sip:")
            ),
            common,
            has_san=True,
        )

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.dns, *self.addresses, *self.sip) if self.has_san else self.common

    def usable(self, rules: Rules) -> tuple[str, ...]:
        """The entries that are names under these rules, wildcards among them."""
        if not self.has_san:
            return self.common if rules.cn_fallback else ()
        # A sip URI with a user part names a user, no domain (RFC 5922 §7.1).
        domains = tuple(uri[4:] for uri in self.sip if "@" not in uri)
        if rules.sip_uri and domains:
            return domains
        return (*self.dns, *self.addresses)

    def reasons(self, wanted: str | None, rules: Rules) -> Iterator[Reason]:
        usable = self.usable(rules)
        exact = [name for name in usable if "*" not in name]
        wild = [name for name in usable if "*" in name]
        if wanted in exact or (wanted is None and exact):
            return
        covering = [name for name in wild if wanted is None or _covers(name, wanted)]
        if covering:
            if not rules.wildcard_ok:
                listed = ", ".join(covering)
                yield Reason(
                    ReasonKind.WILDCARD, f"only the wildcard {listed} would fit, and wildcards do not count in SIP"
                )
        elif usable:
            yield Reason(ReasonKind.WRONG_NAME, f"it is made out to {', '.join(usable)}, not to {wanted}")
        elif self.common and not self.has_san:
            listed = ", ".join(self.common)
            yield Reason(
                ReasonKind.NO_NAME, f"it has no subjectAltName, and the name {listed} in its subject does not count"
            )
        else:
            yield Reason(ReasonKind.NO_NAME, "it holds no host name")


def _covers(pattern: str, name: str) -> bool:
    head, _, tail = pattern.partition(".")
    return head == "*" and name.partition(".")[2] == tail
