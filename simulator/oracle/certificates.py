"""What each side may and must make of a certificate, by its shape (R56–R60, R66, C4, C6, C7; F2.1–F2.24)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["dialled", "dialling"]
"""Whether the holder is the TLS server or the TLS client."""
Stance = Literal["accepted", "refused", "open"]
"""What the sources say: it is to be accepted, to be refused, or they are silent or at odds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of certificate, as far as it matters to whoever judges it."""

    about: str
    "What it is, for people."
    names: tuple[str, ...] = ("{fqdn}",)
    "The names it holds; `{fqdn}` is its host's and `{parent}` that without the first label."
    dialled: Stance = "accepted"
    "What the sources say of it before the server under test, when its holder is dialled; the names apart."
    dialling: Stance = "accepted"
    "The same when its holder dials."
    microsoft: Stance = "accepted"
    "What they say of it before Skype for Business and Teams, in both roles."
    address: bool = False
    "Whether it holds the IP address of its host as well."
    source: str = "R58, R60"
    "Who says so."

    def held(self, fqdn: str) -> frozenset[str]:
        """The names it holds for this host."""
        above = fqdn.partition(".")[2]
        return frozenset(name.format(fqdn=fqdn, parent=above) for name in self.names)


def _refused(about: str, source: str, names: tuple[str, ...] = ("{fqdn}",)) -> Shape:
    return Shape(about, names, "refused", "refused", "refused", source=source)


def _open(about: str, source: str) -> Shape:
    return Shape(about, dialled="open", dialling="open", microsoft="open", source=source)


def _server_only(about: str, source: str, *, address: bool = False) -> Shape:
    """Public CAs issue no other since 2026; common TLS libraries refuse it of a client (F2.17, C4, C7)."""
    return Shape(about, dialling="open", address=address, source=source)


SHAPES: Final[dict[str, Shape]] = {
    "dual": Shape("for both usages"),
    "server-only": _server_only("for server authentication only", "F2.3, F2.17, C4"),
    "lets-encrypt-2026": _server_only("of Let's Encrypt in 2026", "F2.15, F2.17, C7"),
    "lets-encrypt-tlsserver": _server_only("of Let's Encrypt's profile tlsserver", "F2.20, C7"),
    "lets-encrypt-shortlived": _server_only("of Let's Encrypt, six days", "F2.20, C8", address=True),
    "server-only-intermediate": _server_only("issued by one for server authentication only", "F2.17"),
    "client-only": Shape(
        "for client authentication only", dialled="refused", dialling="open", microsoft="refused", source="R58, F2.3"
    ),
    "no-eku": Shape("without extended key usages", source="F2.17"),
    "any-eku": _open("for anyExtendedKeyUsage only", "F2.14, F2.17"),
    "sip-domain-eku": Shape("for SIP domains as well", source="F2.11"),
    "wildcard": _refused("a wildcard", "R57, F2.2", ("*.{parent}",)),
    "wrong-name": Shape("of another host", ("wrong-name.{parent}",), source="R56, F2.6"),
    "lookalike": Shape("of a host whose name ends the same, but in the middle of a label", ("x{fqdn}",), source="F3.6"),
    "below": Shape("of a host below", ("sip.{fqdn}",), source="F2.9"),
    "parent": Shape("of the name above only", ("{parent}",), source="F2.6, F2.10"),
    "cn-only": _open("with its name in the subject only", "F2.1, F2.9"),
    "no-cn": Shape("with an empty subject", source="F2.1, F2.22"),
    "san-second-entry": Shape("with another name first", ("web.{parent}", "{fqdn}"), source="F2.1, F2.6"),
    "sip-uri": Shape("with a SIP URI as well", source="F2.9"),
    "ip-address": Shape("with the IP address as well", address=True, source="F2.20, C12"),
    "constrained": _refused("of a CA that may not speak for the name", "R60"),
    "expired": _refused("expired", "R67"),
    "not-yet-valid": _refused("not valid yet", "R67"),
    "47-day": Shape("of 47 days", source="F2.19, C8"),
    "untrusted": _refused("of a stranger's CA", "R60, F2.5"),
    "self-signed": _refused("self-signed", "R66"),
    "missing-intermediate": _refused("without its intermediate", "F2.5"),
    "rsa-2048": Shape("with an RSA key", source="F2.4"),
    "p-384": Shape("with a key on P-384", microsoft="open", source="F2.4"),
    "rsa-1024": _open("with a short RSA key", "F2.4, F7.4"),
    "sha1": _open("signed with SHA-1", "F2.4"),
    "rsa-pss": Shape("signed with RSASSA-PSS", dialled="open", dialling="open", microsoft="refused", source="F2.4"),
    "ed25519": _open("with an Ed25519 key", "C19"),
    "no-crl": Shape("without CRL", source="F2.21"),
}
"""By the name of its profile in `fakes.ca`; `lookalike`, `below` and `parent` are shapes of the exploration's own."""
