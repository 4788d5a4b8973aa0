"""Build root, intermediate and leaf certificates (RFC 5280 §4.1, §4.2)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from fakes.ca.profiles import KeyKind, Signature, Usage

ORGANIZATION = "sipfed throwaway CA"
LONGEST_COMMON_NAME = 64
"ub-common-name of RFC 5280 appendix A.1; a longer FQDN stands in the alternative names only."

IssuerKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LeafKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_USAGES: dict[Usage, x509.ObjectIdentifier] = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "sip-domain": ObjectIdentifier("1.3.6.1.5.5.7.3.20"),  # id-kp-sipDomain, RFC 5924 §3
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
class Urls:
    """Where a certificate says that more can be found; what is None is not said."""

    crl: str | None = None
    "The CRL distribution point (RFC 5280 §4.2.1.13)."
    ocsp: str | None = None
    "The OCSP responder (RFC 5280 §4.2.2.1)."
    issuer: str | None = None
    "The issuer's certificate, DER (caIssuers, likewise)."


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA certificate together with the key that signs for it; the key is never part of the representation."""

    certificate: x509.Certificate
    key: IssuerKey = field(repr=False)

    @property
    def key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """What a certificate signed by this issuer carries (RFC 5280 §4.2.1.1)."""
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def new_key(kind: KeyKind) -> LeafKey:
    """A new key, but of RSA always the same: making one costs a hundred times an ECDSA leaf."""
    match kind:
        case "p-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "rsa-1024":
            return rsa_key(1024)
        case "rsa-2048":
            return rsa_key(2048)


@cache
def rsa_key(bits: int, _owner: str = "leaf") -> rsa.RSAPrivateKey:
    """The RSA key of this process with so many bits, one for each kind of owner."""
    return rsa.generate_private_key(65537, bits)


def general_name(name: str) -> x509.GeneralName:
    """An alternative name: URI for what starts with `sip:`, iPAddress for the text of an address, else dNSName.

    Raises ValueError unless ASCII.
    """
    if name.startswith("sip:"):
        return x509.UniformResourceIdentifier(name)
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


def make_intermediate(
    common_name: str,
    window: Window,
    limits: x509.NameConstraints,
    root: Issuer,
    *,
    key: IssuerKey | None = None,
    usages: Iterable[Usage] = (),
    urls: Urls | None = None,
) -> Issuer:
    """A CA that may sign leaves only. It repeats the limits, since a verifier may ignore those of its trust anchor."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = _start(_subject(common_name), root.certificate.subject, key, window)
    builder = _add_ca_extensions(builder, path_length=0, limits=limits)
    builder = _add_usages(builder, usages)
    builder = _add_urls(builder, urls or Urls())
    builder = builder.add_extension(root.key_identifier, critical=False)
    return Issuer(sign(builder, root), key)


def make_leaf(
    issuer: Issuer | None,
    names: Sequence[str],
    usages: Iterable[Usage],
    window: Window,
    *,
    common_name: str | None = "{first}",
    key: LeafKey | None = None,
    signature: Signature = "sha-256",
    urls: Urls | None = None,
) -> tuple[x509.Certificate, LeafKey]:
    """A certificate for `names` and its key, by default a fresh one; signed by that key itself without an issuer.

    With `common_name` `{first}` the first name is also the subject's common name if it fits and is no address, which
    OpenSSL would hold against the DNS constraints. With an empty subject the alternative names are critical
    (RFC 5280 §4.2.1.6). Whether the issuer's constraints permit the names is *not* checked here.
    Raises ValueError for a name or URL that is not ASCII.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    alternatives = [general_name(name) for name in names]
    if common_name == "{first}":
        fits = bool(alternatives) and isinstance(alternatives[0], x509.DNSName) and len(names[0]) <= LONGEST_COMMON_NAME
        common_name = names[0] if fits else None
    subject = x509.Name([]) if common_name is None else _subject(common_name, organization=None)
    builder = _start(subject, issuer.certificate.subject if issuer else subject, key, window)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=common_name is None)
    builder = builder.add_extension(_LEAF, critical=True).add_extension(_LEAF_KEY_USAGE, critical=True)
    if issuer is not None:
        builder = builder.add_extension(issuer.key_identifier, critical=False)
    builder = _add_usages(builder, usages)
    builder = _add_urls(builder, urls or Urls())
    if issuer is None:
        return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()), key
    return sign(builder, issuer, signature), key


def make_delegate(issuer: Issuer, window: Window, *, may_sign: bool = True) -> Issuer:
    """Who signs OCSP answers in the issuer's stead (RFC 6960 §4.2.2.2); without `may_sign` it lacks the key usage."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _start(_subject("OCSP delegate"), issuer.certificate.subject, key, window)
    builder = builder.add_extension(_LEAF, critical=True).add_extension(_LEAF_KEY_USAGE, critical=True)
    builder = builder.add_extension(issuer.key_identifier, critical=False)
    usage = ExtendedKeyUsageOID.OCSP_SIGNING if may_sign else ExtendedKeyUsageOID.SERVER_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    return Issuer(sign(builder, issuer), key)


def make_impostor(issuer: Issuer, window: Window) -> Issuer:
    """Somebody who bears the issuer's name, but has another key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = issuer.certificate.subject
    builder = _start(name, name, key, window).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return Issuer(builder.sign(key, hashes.SHA256()), key)


def sign(builder: x509.CertificateBuilder, issuer: Issuer, signature: Signature = "sha-256") -> x509.Certificate:
    """Sign with the issuer's key; all but `sha-256` need an RSA key."""
    if signature == "sha-256":
        return builder.sign(issuer.key, hashes.SHA256())
    assert isinstance(issuer.key, rsa.RSAPrivateKey), f"{signature} is a signature of RSA keys"
    if signature == "rsa-pss":
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return builder.sign(issuer.key, hashes.SHA256(), rsa_padding=pss)
    return _signed_with_sha_1(builder.sign(issuer.key, hashes.SHA256()), issuer.key)


# sha256WithRSAEncryption and sha1WithRSAEncryption (RFC 8017 appendix A.2.4) differ in one byte and in no length.
_SHA_256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
_SHA_1_WITH_RSA = bytes.fromhex("2a864886f70d010105")


def _signed_with_sha_1(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> x509.Certificate:
    """The same certificate signed anew: `cryptography` no longer does that for certificates, only for bytes."""
    content = certificate.tbs_certificate_bytes
    weak = content.replace(_SHA_256_WITH_RSA, _SHA_1_WITH_RSA)
    signature = key.sign(weak, padding.PKCS1v15(), hashes.SHA1())
    der = certificate.public_bytes(Encoding.DER)
    head, tail = der[: -len(certificate.signature)].split(content)
    return x509.load_der_x509_certificate(head + weak + tail.replace(_SHA_256_WITH_RSA, _SHA_1_WITH_RSA) + signature)


def _subject(common_name: str, organization: str | None = ORGANIZATION) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _start(subject: x509.Name, issuer: x509.Name, key: LeafKey, window: Window) -> x509.CertificateBuilder:
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


def _add_usages(builder: x509.CertificateBuilder, usages: Iterable[Usage]) -> x509.CertificateBuilder:
    purposes = [_USAGES[usage] for usage in usages]
    return builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False) if purposes else builder


def _add_urls(builder: x509.CertificateBuilder, urls: Urls) -> x509.CertificateBuilder:
    if urls.crl is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(urls.crl)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    offers = ((AuthorityInformationAccessOID.OCSP, urls.ocsp), (AuthorityInformationAccessOID.CA_ISSUERS, urls.issuer))
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in offers if url is not None
    ]
    return builder.add_extension(x509.AuthorityInformationAccess(access), critical=False) if access else builder


def _add_ca_extensions(
    builder: x509.CertificateBuilder, *, path_length: int, limits: x509.NameConstraints
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_CA_KEY_USAGE, critical=True)
        .add_extension(limits, critical=True)
    )
