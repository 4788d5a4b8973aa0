"""A root that outlives the run, in a folder of its owner, for servers that import it once."""

from __future__ import annotations

import ipaddress
import os
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from fakes.ca.certificates import Issuer, Window
from fakes.errors import FakeError

CERTIFICATE = "root.crt"
"What a server under test imports."
KEY = "root.key"
"Only its owner may read it: whoever has it can speak for all names of the CA."
LEFT = timedelta(days=30)
"A root with less time is not used any more: its leaves would outlive it."


def load(folder: Path, now: datetime) -> Issuer | None:
    """The root in the folder, or None when there is none yet.

    Raises FakeError when one of the two files is missing, cannot be read, does not fit the other, or has ended.
    """
    certificate, key = folder / CERTIFICATE, folder / KEY
    if not certificate.exists() and not key.exists():
        return None
    try:
        root = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise FakeError(f"The CA in {folder} cannot be read: {error}. Restore both files, or delete both.") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise FakeError(f"The key in {key} is of a kind that this CA does not sign with. Delete both files.")
    if private.public_key() != root.public_key():
        raise FakeError(f"{key} is not the key of {certificate}: restore both files, or delete both.")
    if root.not_valid_after_utc < now + LEFT:
        raise FakeError(
            f"The CA in {folder} ends on {root.not_valid_after_utc:%Y-%m-%d}: delete both files, and have the server "
            "import the new root that the next run makes."
        )
    return Issuer(root, private)


def save(folder: Path, root: Issuer) -> None:
    """Write the root into the folder; FakeError when it cannot be written or another run was faster."""
    key = root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / KEY, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(key)
        with (folder / CERTIFICATE).open("xb") as file:
            file.write(root.certificate.public_bytes(Encoding.PEM))
    except OSError as error:
        raise FakeError(f"The CA cannot be written to {folder}: {error.strerror}.") from error


def window_of(root: x509.Certificate) -> Window:
    """How long what it signs may be valid."""
    return Window(root.not_valid_before_utc, root.not_valid_after_utc)


def permitted_by(root: x509.Certificate) -> list[str]:
    """The names and ranges that it may speak for (RFC 5280 §4.2.1.10), as `Authority` takes them."""
    limits = root.extensions.get_extension_for_class(x509.NameConstraints).value
    found = []
    for each in limits.permitted_subtrees or ():
        value = each.value
        if isinstance(value, str | ipaddress.IPv4Network | ipaddress.IPv6Network):
            found.append(str(value))
    return found
