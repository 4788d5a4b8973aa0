"""Certificate shapes as data: names, usages, validity, key, signer, revocation of each kind of leaf (RFC 5280 §4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Usage = Literal["server", "client", "any", "sip-domain"]
Signer = Literal["ours", "stranger", "self", "server-only", "elsewhere", "rsa"]
KeyKind = Literal["p-256", "p-384", "ed25519", "rsa-1024", "rsa-2048"]
Signature = Literal["sha-256", "sha-1", "rsa-pss"]
Crl = Literal["fresh", "expired", "forged", "garbage", "missing", "silent", "unreachable"]
"""What is found at the CRL distribution point: a list that is up to date, one whose next update has passed, one that
the issuer did not sign, something else, nothing (HTTP 404), a server that never answers, or no server."""
Ocsp = Literal[
    "direct", "delegated", "undelegated", "forged", "expired", "unknown", "busy", "garbage", "missing", "unreachable"
]
"""What the OCSP responder does: sign as the issuer, by a delegate, by somebody whom the issuer did not make a delegate,
or by somebody else altogether; answer out of date; say `unknown`; say `tryLater`; answer no OCSP; 404; not be there."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One shape of a leaf certificate. Apart from what `about` says, each shape is without fault."""

    name: str
    "The word that a test writes, for instance `server-only`."
    about: str
    "One line for a list or a report."
    names: tuple[str, ...] = ("{fqdn}",)
    """Subject alternative names; `{fqdn}` is the name asked for and `{parent}` that name without its first label. What
    starts with `sip:` becomes a URI. None at all leaves the extension out."""
    common_name: str | None = "{first}"
    """The subject's common name, a template likewise; `{first}` is the first alternative name if it is a DNS name that
    fits. None leaves the subject empty."""
    names_address: bool = False
    "Whether it names the IP address of its server as well, where whoever asks for it knows one."
    usages: tuple[Usage, ...] = ("server", "client")
    "Extended key usages in this order; none at all leaves the extension out."
    ended: timedelta = timedelta(0)
    "How long ago the validity ended; zero for a certificate that is valid now."
    begins: timedelta = timedelta(0)
    "How far ahead the validity begins; zero for a certificate that is valid now."
    lifetime: timedelta | None = None
    "From the first to the last second of the validity; None leaves it to who issues it."
    key: KeyKind = "p-256"
    "The kind of key; those of RSA are made once and shared by all certificates of the process."
    signature: Signature = "sha-256"
    "How it is signed; anything but `sha-256` needs the signer `rsa`."
    signer: Signer = "ours"
    """Who signs it. `stranger` is a complete chain under a root that nobody was given; `server-only` an intermediate
    for server authentication only; `elsewhere` one that may not speak for this name; `rsa` one with an RSA key."""
    sends_chain: bool = True
    "Whether the intermediate is sent along."
    crl: Crl | None = "fresh"
    "Where its distribution point leads, once the CA publishes (`Authority.publish`); None for a leaf without one."
    ocsp: Ocsp | None = None
    "What its OCSP responder does; None for a leaf that names none. Needs a CA that publishes."
    issuer_url: bool = False
    "Whether it says where its issuer's certificate can be had (caIssuers). Needs a CA that publishes."
    revoked: bool = False
    "Whether it is revoked as soon as it is issued."

    @property
    def needs_publisher(self) -> bool:
        """Whether a CA can issue it only once it publishes (`Publisher`)."""
        return self.crl not in (None, "fresh") or self.ocsp is not None or self.issuer_url or self.revoked


def _revocation(name: str, about: str, *, crl: Crl | None = None, ocsp: Ocsp | None = None) -> Profile:
    return Profile(name, about, crl=crl, ocsp=ocsp)


_DAY = timedelta(days=1)

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("dual", "For server and client authentication, names exactly the FQDN."),
        # Extended key usage
        Profile("server-only", "For server authentication only, as public CAs issue since 2026.", usages=("server",)),
        Profile("client-only", "For client authentication only.", usages=("client",)),
        Profile("no-eku", "Without extended key usages, which limits it to none.", usages=()),
        Profile("any-eku", "For anyExtendedKeyUsage only.", usages=("any",)),
        Profile(
            "sip-domain-eku",
            "For SIP domains too (RFC 5924), beside both usual ones.",
            usages=("server", "client", "sip-domain"),
        ),
        Profile(
            "server-only-intermediate",
            "For both usages, but its intermediate is for server authentication only.",
            signer="server-only",
        ),
        # Let's Encrypt, as of summer 2026: no client authentication, neither in the leaf nor in what signs it
        Profile(
            "lets-encrypt-2026",
            "As Let's Encrypt issues it since 2026: 90 days, leaf and intermediate for server authentication.",
            usages=("server",),
            signer="server-only",
            lifetime=90 * _DAY,
        ),
        Profile(
            "lets-encrypt-tlsserver",
            "The same of its profile tlsserver: 45 days, and no common name.",
            common_name=None,
            usages=("server",),
            signer="server-only",
            lifetime=45 * _DAY,
        ),
        Profile(
            "lets-encrypt-shortlived",
            "The same of its profile shortlived: 160 hours, no common name, and the IP address too.",
            common_name=None,
            names_address=True,
            usages=("server",),
            signer="server-only",
            lifetime=timedelta(hours=160),
        ),
        # Names
        Profile("wildcard", "Names *.<parent domain> and nothing else.", names=("*.{parent}",)),
        Profile("wrong-name", "Names another host of the same parent domain.", names=("wrong-name.{parent}",)),
        Profile("cn-only", "Names the FQDN in the subject only.", names=(), common_name="{fqdn}"),
        Profile("no-cn", "Has an empty subject, as Let's Encrypt issues since 2025.", common_name=None),
        Profile(
            "san-second-entry",
            "Names the FQDN second; the first name, and the subject, is another host.",
            names=("web.{parent}", "{fqdn}"),
        ),
        Profile("sip-uri", "Names sip:<parent domain> beside the FQDN (RFC 5922).", names=("{fqdn}", "sip:{parent}")),
        Profile("ip-address", "Names the IP address of its server beside the FQDN.", names_address=True),
        Profile("constrained", "Signed by a CA that may not speak for this name.", signer="elsewhere"),
        # Validity
        Profile("expired", "Ended a day ago.", ended=_DAY),
        Profile("two-hours", "Ends within two hours.", lifetime=timedelta(hours=2)),
        Profile("not-yet-valid", "Begins in a day.", begins=_DAY),
        Profile(
            "short-lived", "Valid for 160 hours, as the shortest that public CAs issue.", lifetime=timedelta(hours=160)
        ),
        Profile("47-day", "Valid for 47 days, the public maximum from 2029-03-15.", lifetime=47 * _DAY),
        Profile("100-day", "Valid for 100 days, the public maximum from 2027-03-15.", lifetime=100 * _DAY),
        Profile("200-day", "Valid for 200 days, the public maximum from 2026-03-15.", lifetime=200 * _DAY),
        Profile("398-day", "Valid for 398 days, the public maximum until 2026-03-15.", lifetime=398 * _DAY),
        # Chain
        Profile("untrusted", "Signed by a complete chain under a root that nobody trusts.", signer="stranger"),
        Profile("self-signed", "Signed by its own key.", signer="self", crl=None),
        Profile("missing-intermediate", "Sent without the intermediate that signed it.", sends_chain=False),
        # Keys and signatures
        Profile("rsa-2048", "Has an RSA key of 2048 bits, and an issuer with one.", key="rsa-2048", signer="rsa"),
        Profile("rsa-1024", "Has an RSA key of 1024 bits, too short for most.", key="rsa-1024", signer="rsa"),
        Profile("rsa-pss", "Signed with RSASSA-PSS, unknown to Skype for Business.", signature="rsa-pss", signer="rsa"),
        Profile("sha1", "Signed with RSA and SHA-1.", signature="sha-1", signer="rsa"),
        Profile("p-384", "Has a key on the curve P-384.", key="p-384"),
        Profile("ed25519", "Has an Ed25519 key.", key="ed25519"),
        # Revocation
        Profile("no-crl", "Does not say where it could be found revoked.", crl=None),
        Profile("revoked", "Revoked, and on the CRL of its issuer.", revoked=True),
        _revocation("crl-expired", "The next update of its CRL is overdue.", crl="expired"),
        _revocation("crl-forged", "Its CRL is signed by another key than the issuer's.", crl="forged"),
        _revocation("crl-garbage", "Its CRL is no CRL.", crl="garbage"),
        _revocation("crl-missing", "Its CRL is not there (404).", crl="missing"),
        _revocation("crl-silent", "The server of its CRL never answers.", crl="silent"),
        _revocation("crl-unreachable", "The server of its CRL is down.", crl="unreachable"),
        Profile("ocsp", "An OCSP responder answers for it; no CRL does.", crl=None, ocsp="direct", issuer_url=True),
        Profile("ocsp-revoked", "Revoked, as its OCSP responder says.", crl=None, ocsp="direct", revoked=True),
        _revocation("ocsp-unknown", "Its OCSP responder does not know it.", ocsp="unknown"),
        _revocation("ocsp-delegated", "Its issuer has a delegate sign the OCSP answers.", ocsp="delegated"),
        _revocation("ocsp-undelegated", "A certificate not made for it signs the OCSP answers.", ocsp="undelegated"),
        _revocation("ocsp-forged", "A key that is not the issuer's signs the OCSP answers.", ocsp="forged"),
        _revocation("ocsp-expired", "The OCSP answer is out of date.", ocsp="expired"),
        _revocation("ocsp-busy", "The OCSP responder says to try later.", ocsp="busy"),
        _revocation("ocsp-garbage", "What answers is no OCSP.", ocsp="garbage"),
        _revocation("ocsp-missing", "The OCSP responder is not there (404).", ocsp="missing"),
        _revocation("ocsp-unreachable", "The server of the OCSP responder is down.", ocsp="unreachable"),
        Profile("ocsp-down-crl-good", "The OCSP responder is down, the CRL is in order.", ocsp="unreachable"),
    )
}
"The shipped shapes by name. A test may pass a `Profile` of its own to `Authority.issue` just as well."
