"""The certificate store: two scopes on disk, of whose certificates one is active (R54, R55, R59, R61, R63-R65, R68).

    <folder>/machine/<name>.pem   the certificate, then the intermediate ones
    <folder>/machine/<name>.key   its private key, readable by those accounts that may use it
    <folder>/user/...             the same for one account alone, which owns that folder
    <folder>/active               scope and fingerprint of the active certificate

Whoever drops such a pair of files into a scope has added a certificate. Adding never activates (R68).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, get_args

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from simulator import trust
from simulator.connect_server.key_files import (
    KeyFile,
    KeyState,
    account,
    belongs_to_other_account,
    check_key,
    parse_chain,
    read_chain,
    read_key,
)
from simulator.connect_server.settings import CertificateFolder, ServerSettings
from simulator.connect_server.suitability import Demands, Fitness, Scope
from simulator.errors import ConfigurationError, Problem

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
SHORTEST_PREFIX: Final = 6
"Digits of a fingerprint that are enough to name a certificate, as long as no other begins so."


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """One certificate of a store, as it was found on disk."""

    name: str
    "What its files are called."
    scope: Scope
    "Which store it is in."
    chain: tuple[x509.Certificate, ...]
    "Leaf first."
    key: KeyFile
    "Its private key, as far as this account may read it."
    active: bool
    "Whether it is the one chosen for federation (R65)."
    scope_problem: str = ""
    "Why this account may not use the scope, as a clause (R55); empty when it may."

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate itself."""
        return self.chain[0]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal digits: what names it for certain."""
        return self.leaf.fingerprint(SHA256()).hex()

    @property
    def thumbprint(self) -> str:
        """SHA-1 of the certificate in capitals, as Windows shows it."""
        return self.leaf.fingerprint(SHA1()).hex().upper()

    @property
    def names(self) -> tuple[str, ...]:
        """The names it is made out to; empty also when they cannot be read."""
        try:
            return trust.names_of(self.leaf)
        except ValueError:
            return ()

    def fitness(self, demands: Demands, at: datetime) -> Fitness:
        """Whether it could be, or go on being, the active one."""
        return demands.fitness(self.chain, self.key, at=at, scope=self.scope, scope_problem=self.scope_problem)

    def __str__(self) -> str:
        return f"{self.scope}/{self.name}"


class CertificateStore:
    """The certificates below one folder, read anew at every call; a folder that is not there is an empty store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def certificates(self) -> list[StoredCertificate]:
        """All certificates that can be read, those of the machine first, by name."""
        return [found for found in self._read() if isinstance(found, StoredCertificate)]

    def problems(self) -> list[Problem]:
        """What lies in the folders and is no certificate, and scopes that this account may not look into."""
        return [found for found in self._read() if isinstance(found, Problem)]

    def active(self) -> StoredCertificate | None:
        """The certificate that is chosen for federation (R65); None when none is, or when it is there no more."""
        return next((certificate for certificate in self.certificates() if certificate.active), None)

    def find(self, selector: str) -> StoredCertificate:
        """The certificate of that name (`scope/name` or `name`) or with a fingerprint or thumbprint that begins so.

        ConfigurationError when there is none, or more than one.
        """
        certificates = self.certificates()
        found = [each for each in certificates if selector in (each.name, str(each))]
        digits = selector.replace(":", "").replace(" ", "").lower()
        if not found and len(digits) >= SHORTEST_PREFIX:
            found = [
                each
                for each in certificates
                if each.fingerprint.startswith(digits) or each.thumbprint.lower().startswith(digits)
            ]
        if len(found) == 1:
            return found[0]
        known = ", ".join(map(str, found or certificates)) or "none at all"
        message = f"It names {'more than one' if found else 'no'} certificate; there is {known}."
        raise ConfigurationError([Problem(f"certificate {selector!r}", message)])

    def add(
        self, chain_pem: bytes, key_pem: bytes | None, *, scope: Scope = "machine", name: str = ""
    ) -> StoredCertificate:
        """Put a certificate into a scope and activate nothing (R68).

        The key file is readable by this account alone; who else may use it is for its permissions to say (R61, R74).
        `key_pem` None looks for the key in `chain_pem`. ConfigurationError when one of the two cannot be used, or the
        certificate is in the scope already. Whether it is fit for this server is for `activate` to say.
        """
        try:
            chain = parse_chain(chain_pem)
        except ValueError as error:
            raise ConfigurationError([Problem("certificate", f"It holds no certificate: {error}.")]) from error
        key = check_key(chain_pem if key_pem is None else key_pem, chain[0])
        if key.state is not KeyState.READABLE:
            raise ConfigurationError([Problem("key", f"The certificate cannot be added because {key.problem}.")])
        return self._write(chain, _key_block(key.pem), scope, name)

    def add_pkcs12(
        self, content: bytes, password: str | None, *, scope: Scope = "machine", name: str = ""
    ) -> StoredCertificate:
        """The same for a PKCS#12 file (`.pfx`, `.p12`), as Windows exports it; `password` None is for one without."""
        secret = password.encode() if password is not None else None
        try:
            key, leaf, others = pkcs12.load_key_and_certificates(content, secret)
        except ValueError as error:
            message = "It is needed, or it is wrong, or the file is no PKCS#12 file at all."
            raise ConfigurationError([Problem("password", message)]) from error
        except UnsupportedAlgorithm as error:
            message = f"The PKCS#12 file cannot be read: {error}. Export it again with AES-256."
            raise ConfigurationError([Problem("certificate", message)]) from error
        if leaf is None or key is None:
            missing = "private key; export it again, with the key" if key is None else "certificate"
            raise ConfigurationError([Problem("certificate", f"The PKCS#12 file holds no {missing}.")])
        chain = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in (leaf, *others))
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self.add(chain, key_pem, scope=scope, name=name)

    def activate(self, selector: str, demands: Demands, at: datetime) -> StoredCertificate:
        """Choose the certificate for federation (R65, R75); a running server takes it at its next reload.

        ConfigurationError with every reason when it is not fit; the active one stays what it was then.
        """
        certificate = self.find(selector)
        fitness = certificate.fitness(demands, at)
        if not (fitness.usable or (demands.rules.unsuitable == "warn" and fitness.presentable)):
            raise ConfigurationError([Problem(str(certificate), fitness.sentence())])
        self.choose(certificate)
        return self.find(f"{certificate.scope}/{certificate.name}")

    def choose(self, certificate: StoredCertificate) -> None:
        """Make it the active one without asking whether it is fit."""
        _replace(self.folder / "active", f"{certificate.scope} {certificate.fingerprint}\n")

    def remove(self, selector: str) -> StoredCertificate:
        """Delete a certificate and its key; ConfigurationError for the active one."""
        certificate = self.find(selector)
        if certificate.active:
            message = "It is the active certificate; activate another one first."
            raise ConfigurationError([Problem(str(certificate), message)])
        stem = self.folder / certificate.scope / certificate.name
        try:
            Path(f"{stem}.pem").unlink()
            Path(f"{stem}.key").unlink(missing_ok=True)
        except OSError as error:
            raise _not_written(stem, error) from error
        return certificate

    def _read(self) -> Iterator[StoredCertificate | Problem]:
        active = ""
        try:
            active = (self.folder / "active").read_text("ascii", "replace").strip()
        except FileNotFoundError:
            pass
        except OSError as error:
            yield _forbidden(self.folder / "active", error)
        for scope in SCOPES:
            folder = self.folder / scope
            try:
                paths = sorted(path for path in folder.iterdir() if path.suffix == ".pem")
                owner = belongs_to_other_account(folder) if scope == "user" else ""
            except FileNotFoundError:
                continue
            except OSError as error:
                yield _forbidden(folder, error)
                continue
            problem = ""
            if owner:
                problem = f"it is in the user store of {owner}, and the server runs as {account()} (R55)"
            for path in paths:
                try:
                    chain = read_chain(path)
                except ValueError as error:
                    yield Problem(str(path), str(error))
                    continue
                mark = f"{scope} {chain[0].fingerprint(SHA256()).hex()}"
                key = read_key(path.with_suffix(".key"), chain[0])
                yield StoredCertificate(path.stem, scope, chain, key, mark == active, problem)

    def _write(self, chain: tuple[x509.Certificate, ...], key: bytes, scope: Scope, name: str) -> StoredCertificate:
        fingerprint = chain[0].fingerprint(SHA256()).hex()
        twin = next(
            (each for each in self.certificates() if (each.scope, each.fingerprint) == (scope, fingerprint)), None
        )
        if twin is not None:
            raise ConfigurationError([Problem(str(twin), "This certificate is in the store already.")])
        stem = _file_name(name) if name else f"{_file_name(_first_name(chain[0]))}-{fingerprint[:8]}"
        folder = self.folder / scope
        path = folder / f"{stem}.pem"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700 if scope == "user" else 0o755)
            _create(path.with_suffix(".key"), key, 0o600)
            try:
                _create(path, b"".join(each.public_bytes(Encoding.PEM) for each in chain), 0o644)
            except OSError:
                path.with_suffix(".key").unlink()
                raise
        except OSError as error:
            raise _not_written(folder / stem, error) from error
        return self.find(f"{scope}/{stem}")


def store_of(settings: ServerSettings) -> CertificateStore:
    """The certificates that can be chosen from (R63); ConfigurationError when the settings name files instead."""
    if isinstance(settings.certificate, CertificateFolder):
        return CertificateStore(settings.certificate.folder)
    message = "The settings name the files of one certificate; write store = ... to choose from several."
    raise ConfigurationError([Problem("certificate.store", message)])


def _first_name(certificate: x509.Certificate) -> str:
    with suppress(ValueError):
        for name in trust.names_of(certificate):
            return name
    return "certificate"


def _file_name(name: str) -> str:
    safe = re.sub(r"[^a-z0-9._-]", "_", name.lower().replace("*", "wildcard"))[:80].strip(".")
    return safe or "certificate"


def _key_block(pem: bytes) -> bytes:
    """The private key alone, of a text that may hold certificates too."""
    match = re.search(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----\s*", pem, re.DOTALL)
    assert match is not None, "it was read before"
    return match[0]


def _create(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old content or the new one, and nothing in between."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, "ascii")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _not_written(path, error) from error


def _forbidden(path: Path, error: OSError) -> Problem:
    return Problem(str(path), f"The account {account()} may not read it: {(error.strerror or str(error)).lower()}.")


def _not_written(path: Path, error: OSError) -> ConfigurationError:
    why = (error.strerror or str(error)).lower()
    return ConfigurationError([Problem(str(path), f"It cannot be changed by the account {account()}: {why}.")])
