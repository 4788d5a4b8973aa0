"""The CAs of one run: a root, and intermediates made when first asked for (RFC 5280 §3.2)."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import get_args

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from fakes.ca.certificates import (
    Issuer,
    IssuerKey,
    Urls,
    Window,
    constraints,
    make_intermediate,
    make_root,
    rsa_key,
)
from fakes.ca.profiles import Crl, Ocsp, Profile, Signer, Usage
from fakes.errors import FakeError

ELSEWHERE = "elsewhere.test"
"All that the CA of the profile `constrained` may speak for."

_SIGNERS: dict[str, Signer] = {signer: signer for signer in get_args(Signer) if signer != "self"}

Permitted = str | ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass
class Branch:
    """An issuer, what is sent along with its leaves, and what it has to say about them."""

    name: str
    "Stands in its URLs."
    issuer: Issuer
    chain: tuple[x509.Certificate, ...]
    "What links a leaf to the root; without the root."
    serials: set[int] = field(default_factory=set)
    "Every certificate that it has signed."
    revoked: dict[int, tuple[datetime, x509.ReasonFlags]] = field(default_factory=dict)
    "When and why which of them was revoked."

    @property
    def pem(self) -> bytes:
        """The chain in the order in which it is sent."""
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain)


class Issuers:
    """Root and intermediates of one run. Where they publish may be told late: the next intermediate says it."""

    def __init__(self, run: str, window: Window, permitted: Sequence[Permitted], *, root: Issuer | None = None) -> None:
        """`root` is one that was kept; without, a new one is made."""
        self._run = run
        self._window = window
        self._limits = constraints(permitted)
        self.root = Branch("root", root or make_root(f"sipfed root {run}", window, self._limits), ())
        self._branches: dict[Signer, Branch] = {}
        self._lock = threading.Lock()  # tests issue on their own thread, the publisher answers on its loop's
        self._base: str | None = None
        self._dead: str | None = None

    def publish(self, base: str, dead: str | None) -> None:
        """Put URLs below `base` in what is signed from now on; intermediates keep their keys, but are signed anew."""
        with self._lock:
            self._base, self._dead = base.rstrip("/"), None if dead is None else dead.rstrip("/")
            self._branches = {signer: self._make(signer, branch) for signer, branch in self._branches.items()}

    @property
    def branches(self) -> list[Branch]:
        """All there are so far; the strangers' root is not among them."""
        return [self.root, *self._branches.values()]

    def branch(self, signer: Signer) -> Branch:
        """The branch that signs for a profile; not for those that sign themselves."""
        with self._lock:
            if signer not in self._branches:
                self._branches[signer] = self._make(signer, None)
            return self._branches[signer]

    def named(self, name: str) -> Branch | None:
        """The branch whose name stands in a URL; None when there is none."""
        signer = _SIGNERS.get(name)
        return self.root if name == self.root.name else None if signer is None else self.branch(signer)

    @cached_property
    def stranger_root(self) -> Branch:
        """Independent of our own root in every respect, as it should be: trustme makes it, and nobody is given it."""
        import trustme  # 150 ms

        made = trustme.CA(organization_name="a stranger")
        key = load_pem_private_key(made.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey), "trustme makes P-256 keys unless told otherwise"
        return Branch("stranger-root", Issuer(x509.load_pem_x509_certificate(made.cert_pem.bytes()), key), ())

    def urls(self, branch: Branch, profile: Profile) -> Urls:
        """What a leaf of this profile says. Raises FakeError when it is to say what nobody publishes."""
        if self._base is None and profile.needs_publisher:
            raise FakeError(
                f"A certificate of the profile {profile.name!r} says where something is published, and this CA "
                "publishes nothing: start a Publisher for it first."
            )
        if self._dead is None and "unreachable" in (profile.crl, profile.ocsp):
            raise FakeError(f"The profile {profile.name!r} needs a URL where nobody is: give one to `publish`.")
        return Urls(
            self._url(branch, profile.crl, f"{profile.crl}.crl"),
            self._url(branch, profile.ocsp, f"{profile.ocsp}/ocsp"),
            self._url(branch, None, "issuer.cer") if profile.issuer_url else None,
        )

    def _url(self, branch: Branch, kind: Crl | Ocsp | None, path: str) -> str | None:
        if self._base is None or path.startswith("None"):
            return None
        return f"{self._dead if kind == 'unreachable' else self._base}/{branch.name}/{path}"

    def _make(self, signer: Signer, before: Branch | None) -> Branch:
        above = self.stranger_root if signer == "stranger" else self.root
        limits = constraints([ELSEWHERE]) if signer == "elsewhere" else self._limits
        usages: tuple[Usage, ...] = ("server",) if signer == "server-only" else ()
        key: IssuerKey | None = before.issuer.key if before is not None else None
        if signer == "rsa":
            key = rsa_key(2048, "issuer")
        name = {"ours": "sipfed", "stranger": "stranger"}.get(signer, f"sipfed {signer}")
        common_name = f"{name} intermediate {self._run}"
        urls = Urls() if self._base is None else Urls(crl=self._url(above, "fresh", "fresh.crl"))
        issuer = make_intermediate(common_name, self._window, limits, above.issuer, key=key, usages=usages, urls=urls)
        above.serials.add(issuer.certificate.serial_number)
        branch = Branch(signer, issuer, (issuer.certificate,))
        if before is not None:
            branch.serials, branch.revoked = before.serials, before.revoked
        return branch
