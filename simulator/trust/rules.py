"""What a product demands of a peer's certificate, as data (F2.1–F2.22)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

KeyKind = Literal["rsa", "ecdsa", "ed25519", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a product demands of a peer's certificate, beyond a valid chain to a known root."""

    wildcard_ok: bool = False
    "Whether `*.example.com` speaks for `sip.example.com`; no SIP product but a lax one (R57, F2.2, F2.12)."
    cn_fallback: bool = False
    "Whether the subject's CN is a name where the certificate has no subjectAltName at all (F2.1)."
    sip_uri: bool = False
    "Whether `URI:sip:<name>` entries are names, and then the only ones (RFC 5922 §7.1)."
    require_eku: Literal["role", "server", "none"] = "role"
    """Which extended key usage must be there if the certificate, or an intermediate, limits it: `role` clientAuth of a
    TLS client and serverAuth of a server (OpenSSL, F2.17), `server` serverAuth of both (Skype for Business, F2.3)."""
    min_rsa_bits: int = 2048
    "The shortest RSA key of a leaf or intermediate."
    min_ec_bits: int = 256
    "The shortest elliptic curve key of a leaf or intermediate."
    key_kinds: frozenset[KeyKind] = frozenset({"rsa", "ecdsa", "ed25519", "other"})
    "The kinds of keys that leaf and intermediates may have; what Skype for Business makes of ECDSA is unknown (F2.4)."
    pss_ok: bool = True
    "Whether a signature may be RSASSA-PSS, which Skype for Business does not support (F2.4)."
    require_crl_point: bool = False
    "Whether a leaf must name a CRL distribution point, as the documentation of Skype for Business demands (F2.4)."
    revocation: Literal["off", "soft", "hard"] = "off"
    """What becomes of revocation: not asked, `soft` refuses what is known to be revoked, `hard` also what is not known
    not to be. Both need `judge` to be given `RevocationData`; `soft` without it asks nothing."""
    short_lived_exempt: bool = True
    "Whether a leaf that is valid for a week need not say where its revocation can be found (F2.21, RFC 9608)."


CONNECT_SERVER: Final = Rules()
"""The embedded Connect Server's default."""
S4B: Final = Rules(cn_fallback=True, require_eku="server", min_rsa_bits=1024, pss_ok=False, revocation="soft")
"""Skype for Business (F1.6, F2.1–F2.4). It would take SHA-1 too (F2.4), which nothing here verifies any more."""
S4B_STRICT: Final = replace(S4B, revocation="hard", require_crl_point=True)
"""Skype for Business to the letter: a CRL distribution point is there, and revocation is ruled out (F2.4)."""
RFC5922: Final = Rules(cn_fallback=True, sip_uri=True, require_eku="none")
"""RFC 5922 §7.1 and §7.2; `expected` is the SIP domain then, not the SRV target."""
OPENSSL: Final = Rules(wildcard_ok=True, cn_fallback=True, min_rsa_bits=1024)
"""OpenSSL and Python's `ssl` with a name check, as a lenient product uses them (F2.12, F2.17)."""
