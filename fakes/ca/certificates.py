"""Build root, intermediate and leaf certificates on P-256 keys (RFC 5280 §4.1, §4.2)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fakes.ca.profiles import Usage

ORGANIZATION = "sipfed throwaway CA"
LONGEST_COMMON_NAME = 64
"ub-common-name of RFC 5280 appendix A.1; a longer FQDN stands in the alternative names only."

_USAGES: dict[Usage, x509.ObjectIdentifier] = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}
_LEAF = x509.BasicConstraints(ca=False, path_length=None)


def _key_usage(*, digital_signature: bool, key_cert_sign: bool, crl_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


_CA_KEY_USAGE = _key_usage(digital_signature=False, key_cert_sign=True, crl_sign=True)
_LEAF_KEY_USAGE = _key_usage(digital_signature=True, key_cert_sign=False, crl_sign=False)


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a certificate is valid, both ends included, with time zones; fractions of seconds are cut."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"from {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA certificate together with the key that signs for it; the key is never part of the representation."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """What a certificate signed by this issuer carries (RFC 5280 §4.2.1.1)."""
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def general_name(name: str) -> x509.GeneralName:
    """An alternative name: iPAddress for the text of an address, else dNSName. Raises ValueError unless ASCII."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def constraints(permitted: Iterable[str | ipaddress.IPv4Network | ipaddress.IPv6Network]) -> x509.NameConstraints:
    """Permitted subtrees: DNS names without a leading dot, and address ranges (RFC 5280 §4.2.1.10)."""
    subtrees = [x509.DNSName(each) if isinstance(each, str) else x509.IPAddress(each) for each in permitted]
    return x509.NameConstraints(permitted_subtrees=subtrees, excluded_subtrees=None)


def make_root(common_name: str, window: Window, limits: x509.NameConstraints) -> Issuer:
    """A self-signed root that may have one CA below it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(common_name)
    builder = _start(subject, subject, key, window)
    builder = _add_ca_extensions(builder, path_length=1, limits=limits)
    return Issuer(builder.sign(key, hashes.SHA256()), key)


def make_intermediate(common_name: str, window: Window, limits: x509.NameConstraints, root: Issuer) -> Issuer:
    """A CA that may sign leaves only. It repeats the limits, since a verifier may ignore those of its trust anchor."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _start(_subject(common_name), root.certificate.subject, key, window)
    builder = _add_ca_extensions(builder, path_length=0, limits=limits)
    builder = builder.add_extension(root.key_identifier, critical=False)
    return Issuer(builder.sign(root.key, hashes.SHA256()), key)


def make_leaf(
    issuer: Issuer, names: Sequence[str], usages: Iterable[Usage], window: Window, *, crl_url: str | None = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate for `names` (at least one) and its fresh key.

    The first name is also the subject's common name if it fits and is no address, which OpenSSL would hold against the
    DNS constraints; else the subject is empty and the alternative names are critical (RFC 5280 §4.2.1.6).
    Whether the issuer's constraints permit the names is *not* checked here.
    Raises ValueError for a name or URL that is not ASCII.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = [general_name(name) for name in names]
    has_common_name = isinstance(alternatives[0], x509.DNSName) and len(names[0]) <= LONGEST_COMMON_NAME
    subject = _subject(names[0], organization=None) if has_common_name else x509.Name([])
    builder = _start(subject, issuer.certificate.subject, key, window)
    builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=not has_common_name)
    builder = builder.add_extension(_LEAF, critical=True).add_extension(_LEAF_KEY_USAGE, critical=True)
    builder = builder.add_extension(issuer.key_identifier, critical=False)
    purposes = [_USAGES[usage] for usage in usages]
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if crl_url is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder.sign(issuer.key, hashes.SHA256()), key


def _subject(common_name: str, organization: str | None = ORGANIZATION) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _start(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, window: Window
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(window.start)
        .not_valid_after(window.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _add_ca_extensions(
    builder: x509.CertificateBuilder, *, path_length: int, limits: x509.NameConstraints
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_CA_KEY_USAGE, critical=True)
        .add_extension(limits, critical=True)
    )
