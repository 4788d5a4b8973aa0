"""Certificates and private keys in files, and whether this process may read the key (RFC 7468, RFC 5958; R59, R61)."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


class KeyState(Enum):
    """What there is to say about a private key; the value is how lists spell it."""

    READABLE = "readable"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    "The file is there, and the operating system does not let this account read it (R61)."
    ENCRYPTED = "encrypted"
    MALFORMED = "malformed"
    FOREIGN = "foreign"
    "It is the key of another certificate."


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key as it was found."""

    state: KeyState
    "Whether it can be used."
    problem: str = ""
    "Why not, as a clause that goes on after `because`; empty when it can."
    pem: bytes = field(default=b"", repr=False)
    "The key itself, when it can be used."


def read_chain(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, in their order; ValueError with a sentence when there is none to read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {_why(error)}.") from error
    try:
        return parse_chain(content)
    except ValueError as error:
        raise ValueError(f"{path} holds no PEM certificates: {error}.") from error


def parse_chain(content: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text; ValueError with a clause."""
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise ValueError("there is no line -----BEGIN CERTIFICATE----- in it")
    try:
        certificates = x509.load_pem_x509_certificates(content)
        for certificate in certificates:
            certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"one of them cannot be read ({error})") from error
    return tuple(certificates)


def read_key(path: Path, leaf: x509.Certificate) -> KeyFile:
    """Try to read the key of `leaf` just as the server would; never raises for what is in the file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return KeyFile(KeyState.MISSING, f"it has no private key (there is no file {path})")
    except OSError as error:
        return KeyFile(KeyState.UNREADABLE, f"its private key cannot be read ({_why(error)}): {_advice(path)}")
    return check_key(content, leaf)


def check_key(content: bytes, leaf: x509.Certificate) -> KeyFile:
    """Whether a PEM text is the usable private key of `leaf`."""
    try:
        key = load_pem_private_key(content, None)
    except TypeError:
        problem = "its private key is protected by a password; take the password off (openssl pkey -in KEY -out KEY)"
        return KeyFile(KeyState.ENCRYPTED, problem)
    except (ValueError, UnsupportedAlgorithm) as error:
        return KeyFile(KeyState.MALFORMED, f"its private key is no PEM key ({error})")
    own, certified = key.public_key(), leaf.public_key()
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if own.public_bytes(*form) != certified.public_bytes(*form):
        return KeyFile(KeyState.FOREIGN, "the private key beside it is that of another certificate")
    return KeyFile(KeyState.READABLE, pem=content)


def readable_by_all(path: Path) -> bool:
    """Whether every account of the machine may read the file, as far as its mode says; not known on Windows."""
    return sys.platform != "win32" and bool(path.stat().st_mode & stat.S_IROTH)


def belongs_to_other_account(path: Path) -> str:
    """Who owns the file or folder, when that is another account than this process's; else empty, as on Windows."""
    if sys.platform == "win32":
        return ""
    else:  # noqa: RET505 - for mypy, what stands behind it could not be reached on Windows
        owner = path.stat().st_uid
        return "" if owner == os.geteuid() else account(owner)


def account(uid: int | None = None) -> str:
    """The name of an account, by default the one that this process runs as."""
    if sys.platform == "win32":
        return os.environ.get("USERNAME", "this account")
    else:  # noqa: RET505 - as above
        import pwd

        uid = os.geteuid() if uid is None else uid
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return f"uid {uid}"


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _advice(path: Path) -> str:
    how = "in its properties, under Security" if sys.platform == "win32" else f"with setfacl -m u:{account()}:r {path}"
    return f"let the account {account()} read {path}, for instance {how}"
