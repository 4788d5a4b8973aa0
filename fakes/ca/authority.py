"""The CA of one run: a root to trust, certificates by profile, key files only on demand (RFC 5280)."""

from __future__ import annotations

import ipaddress
import re
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fakes.ca import kept
from fakes.ca.certificates import Urls, Window, make_leaf, new_key
from fakes.ca.issuers import Branch, Issuers, Permitted
from fakes.ca.profiles import PROFILES, Profile
from fakes.ca.scratch import Scratch, sweep_once
from fakes.errors import FakeError

BACKDATED = timedelta(hours=1)
"Leaves begin this much earlier, for the clock of a server under test that is slow."
CA_AGE = timedelta(days=30)
"Root and intermediates have been valid this long at `at`: a leaf that has ended was valid once."
CA_LIFETIME = timedelta(days=3650)
"Root and intermediates are valid this long after `at`, to outlive every leaf, however far a test sets the clock ahead."
DEFAULT_DAYS = 7
"How long a leaf is valid where neither its profile nor the caller says so."
DEFAULT_NAMES = ("test", "127.0.0.0/8", "::1")
"What every CA may speak for: the TLD reserved for testing (RFC 6761 §6.2) and loopback."


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, ready for a TLS end point. The key is not part of the representation."""

    fqdn: str
    "The name that was asked for; what the certificate really names is up to the profile."
    profile: Profile
    leaf: x509.Certificate
    chain_pem: bytes
    "What is sent, in that order: the leaf and, but for some profiles, the intermediate (RFC 8446 §4.4.2)."
    key_pem: bytes = field(repr=False)
    "The leaf's private key, PKCS #8, not encrypted."


class Authority:
    """A root and an intermediate that live in memory and may only speak for the names of this run.

    `names` adds DNS names (with all that is below them) and addresses or ranges (`192.0.2.0/24`) to `DEFAULT_NAMES`;
    they stand as critical name constraints in root and intermediate and cannot be changed later. `folder` is where
    `write` makes its private folder, by default the system's folder for temporary files; what killed runs left there
    is removed now. `at` is the calendar time of the run, by default now. `crl_url` becomes the distribution point of
    every leaf that has one, for a list that somebody else serves; `Publisher` serves the CA's own. `keep` is a folder
    with the root of earlier runs, where a new one is put at first, for a server that imports it once; what a kept root
    may speak for was fixed with it. `clock` gives the calendar time of a run whose time is set ahead, in place of
    `at`. Raises FakeError for a name that no certificate can hold, and for a folder with a root that cannot be used.

    Use it as a context manager, or call `close()`: the key files go with it.
    """

    def __init__(
        self,
        names: Sequence[str] | None = None,
        folder: Path | None = None,
        *,
        at: datetime | None = None,
        crl_url: str | None = None,
        keep: Path | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        now = _calendar(at)
        root = kept.load(keep, now) if keep is not None else None
        wanted = (*DEFAULT_NAMES, *(names or ())) if root is None else kept.permitted_by(root.certificate)
        self._permitted = tuple(_permitted(name) for name in wanted)
        self._window = kept.window_of(root.certificate) if root else Window(now - CA_AGE, now + CA_LIFETIME)
        self._at = at
        self._clock = clock
        self._crl_url = crl_url
        self.issuers = Issuers(secrets.token_hex(4), self._window, self._permitted, root=root)
        "The root and what is below it."
        if keep is not None and root is None:
            kept.save(keep, self.issuers.root.issuer)
        self._parent = Path(tempfile.gettempdir()) if folder is None else folder
        self._scratch: Scratch | None = None
        self._written: dict[int, tuple[Path, Path]] = {}
        self._others = 0
        self._closed = False
        self.root_pem = self.root.public_bytes(Encoding.PEM)
        "The root to give to a server under test, and to nobody else."
        sweep_once(self._parent)

    @property
    def root(self) -> x509.Certificate:
        """The trust anchor, for a verifier in the same process."""
        return self.issuers.root.issuer.certificate

    @property
    def intermediate(self) -> x509.Certificate:
        """What signs the leaves of most profiles; their chain carries it. A new one once `publish` was called."""
        return self.issuers.branch("ours").issuer.certificate

    def now(self) -> datetime:
        """The calendar time of the run, in UTC."""
        return _calendar(self._at) if self._clock is None else self._clock()

    def publish(self, base: str, *, dead: str | None = None) -> None:
        """Let what is signed from now on name URLs below `base`, as `Publisher` serves them. Called by its `start`.

        `dead` is a URL of the same form where nobody is, for the profiles that need one.
        """
        self.issuers.publish(base, dead)

    def revoke(
        self,
        what: Issued | x509.Certificate,
        *,
        at: datetime | None = None,
        reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    ) -> None:
        """Revoke a leaf or an intermediate of this CA, by default as of now; from any thread.

        CRL and OCSP answers say so from the next one on. Raises FakeError for a certificate that this CA did not sign.
        """
        certificate = what.leaf if isinstance(what, Issued) else what
        serial = certificate.serial_number
        branch = next((each for each in self.issuers.branches if serial in each.serials), None)
        if branch is None:
            subject = certificate.subject.rfc4514_string() or f"serial number {serial}"
            raise FakeError(f"This CA did not sign the certificate ({subject}) that it is to revoke.")
        branch.revoked[serial] = (_calendar(at) if at is not None else self.now(), reason)

    def issue(
        self,
        fqdn: str,
        profile: str | Profile = "dual",
        *,
        at: datetime | None = None,
        sans: Sequence[str] = (),
        valid_days: float | None = None,
    ) -> Issued:
        """A new certificate of the given profile for `fqdn` (A-labels, or an IP address), with a new key, P-256 mostly.

        `sans` are names beside those of the profile, for instance `sip.<domain>` of a second SIP domain. `at` is the
        calendar time of issue with its time zone, by default that of the authority; from it the certificate is valid
        for `valid_days` days (7 without a lifetime of the profile's), and an `expired` one was valid for that long.

        Raises FakeError for an unknown profile, a name outside the name constraints, a name that the profile cannot
        be built for (`*.` of an address), a validity that exceeds the CA's, and a profile that names URLs before
        `publish`. Whether `fqdn` follows any rule for host names is *not* checked: odd names are wanted.
        """
        shape = _profile(profile)
        names = tuple(dict.fromkeys((*_fill(shape, shape.names, fqdn), *map(_without_dot, sans))))
        common_name = None if shape.common_name is None else _fill(shape, (shape.common_name,), fqdn)[0]
        for name in (*names, *([] if common_name in (None, "{first}") else [common_name])):
            self._check_permitted(name)
        window = self._leaf_window(shape, self.now() if at is None else _calendar(at), valid_days)
        branch = None if shape.signer == "self" else self.issuers.branch(shape.signer)
        urls = None if branch is None else self._urls(branch, shape)
        leaf, key = make_leaf(
            None if branch is None else branch.issuer,
            names,
            shape.usages,
            window,
            common_name=common_name,
            key=new_key(shape.key),
            signature=shape.signature,
            urls=urls,
        )
        sent_along = b"" if branch is None or not shape.sends_chain else branch.pem
        issued = Issued(
            fqdn=fqdn,
            profile=shape,
            leaf=leaf,
            chain_pem=leaf.public_bytes(Encoding.PEM) + sent_along,
            key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
        if branch is not None:
            branch.serials.add(leaf.serial_number)
        if shape.revoked:
            self.revoke(issued)
        return issued

    def write(self, issued: Issued) -> tuple[Path, Path]:
        """Write chain and key for a program that wants files; returns (certificate path, key path), both 0600.

        A second call for the same certificate returns the same paths. Raises FakeError once the authority is closed.
        """
        serial = issued.leaf.serial_number
        if serial not in self._written:
            scratch = self._open_scratch()
            safe = re.sub(r"[^A-Za-z0-9.-]", "_", issued.fqdn)[:80]
            stem = f"{len(self._written):04d}-{safe}"
            self._written[serial] = (
                scratch.write(f"{stem}.crt", issued.chain_pem),
                scratch.write(f"{stem}.key", issued.key_pem),
            )
        return self._written[serial]

    def folder(self, name: str) -> Path:
        """A new folder that only this user can read, for a program that keeps files of its own; it goes with them."""
        self._others += 1
        return self._open_scratch().make_folder(f"{self._others:04d}-{name}")

    def write_root(self) -> Path:
        """Write the root for a program that wants a CA file; a second call returns the same path."""
        path = self._open_scratch().folder / "root.crt"
        return path if path.exists() else self._open_scratch().write(path.name, self.root_pem)

    def write_file(self, name: str, content: bytes) -> Path:
        """Write another file of the run beside the certificates, 0600 and gone with them; each call makes a new one."""
        scratch = self._open_scratch()
        self._others += 1
        return scratch.write(f"{self._others:04d}-{name}", content)

    def close(self) -> None:
        """Remove every file that was written; a second call does nothing. Also done at the end of the process."""
        self._closed = True
        if self._scratch is not None:
            self._scratch.close()

    def __enter__(self) -> Authority:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _open_scratch(self) -> Scratch:
        if self._closed:
            raise FakeError("The CA is closed and its files are gone: write the files while it is open.")
        if self._scratch is None:
            self._scratch = Scratch(self._parent)
        return self._scratch

    def _urls(self, branch: Branch, shape: Profile) -> Urls:
        if self._crl_url is None:
            return self.issuers.urls(branch, shape)
        return Urls() if shape.crl is None else Urls(crl=self._crl_url)

    def _leaf_window(self, shape: Profile, now: datetime, valid_days: float | None) -> Window:
        if valid_days is not None and valid_days <= 0:
            raise FakeError(f"A certificate cannot be valid for {valid_days} days: give a number above zero.")
        if shape.lifetime is not None:
            if valid_days is not None:
                raise FakeError(f"The profile {shape.name!r} says how long it is valid: leave valid_days out.")
            # Both ends are inside (BR 1.6.1 “Validity Period”), so the last second is one less.
            start = now - BACKDATED
            window = Window(start, start + shape.lifetime - timedelta(seconds=1))
        else:
            length = timedelta(days=DEFAULT_DAYS if valid_days is None else valid_days)
            end = now - shape.ended if shape.ended else now + shape.begins + length
            start = now + shape.begins if shape.begins else end - length - BACKDATED
            window = Window(start, end)
        if window.start < self._window.start or window.end > self._window.end:
            raise FakeError(
                f"The certificate would be valid {window}, the CA only {self._window}: "
                "make an Authority for that time with at=."
            )
        return window

    def _check_permitted(self, name: str) -> None:
        if not any(_covers(permitted, name.removeprefix("sip:")) for permitted in self._permitted):
            allowed = ", ".join(map(str, self._permitted))
            raise FakeError(
                f"{name!r} is outside the name constraints of this CA ({allowed}), so nobody would accept it: "
                "name its domain when the Authority is made."
            )


def _calendar(at: datetime | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    if at.tzinfo is None:
        raise FakeError(f"The time {at.isoformat()} has no time zone: write it with tzinfo=UTC.")
    return at.astimezone(UTC)


def _profile(profile: str | Profile) -> Profile:
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise FakeError(f"There is no certificate profile {profile!r}; the profiles are {', '.join(PROFILES)}.")
    return PROFILES[profile]


def _fill(shape: Profile, templates: Sequence[str], fqdn: str) -> tuple[str, ...]:
    """The profile's names for this FQDN; `{parent}` needs a name of two labels or more."""
    name = _without_dot(fqdn)
    _, _, parent = name.partition(".")
    if any("{parent}" in template for template in templates) and (not parent or _address(name) is not None):
        raise FakeError(f"{fqdn!r} has no parent domain, which the certificate profile {shape.name!r} names.")
    return tuple(template.replace("{fqdn}", name).replace("{parent}", parent) for template in templates)


def _without_dot(name: str) -> str:
    """Certificates hold names without the trailing dot, in ASCII (RFC 5280 §4.2.1.6)."""
    bare = name.removesuffix(".")
    if not bare or not bare.isascii() or not bare.isprintable():
        raise FakeError(f"{name!r} cannot stand in a certificate: write the name in ASCII, with xn-- labels.")
    return bare


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _permitted(name: str) -> Permitted:
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        bare = _without_dot(name).lower()
    if "*" in bare or "/" in bare or bare.startswith("."):
        raise FakeError(f"{name!r} is no DNS name or address range: write `fabrikam.test` for it and all below it.")
    return bare


def _covers(permitted: Permitted, name: str) -> bool:
    """RFC 5280 §4.2.1.10: a DNS name covers itself and all below it, a range its addresses."""
    address = _address(name)
    if isinstance(permitted, str):
        return address is None and f".{name.lower()}".endswith(f".{permitted}")
    return address is not None and address in permitted
