"""The certificate that the server presents: found, judged and ready for TLS (R56-R59, R62, R65)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from simulator import tls
from simulator.connect_server.certificates import CertificateStore
from simulator.connect_server.key_files import KeyFile, read_chain, read_key
from simulator.connect_server.settings import CertificateFiles, ServerSettings
from simulator.connect_server.suitability import Demands, Fitness, Scope
from simulator.errors import ConfigurationError, Problem


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """The certificate in use (R62)."""

    label: str
    "Where it came from: a place in a store, or a file."
    chain: tuple[x509.Certificate, ...]
    "Leaf first."
    key: KeyFile
    "Its private key."
    demands: Demands
    "What it is judged by."
    scope: Scope = "machine"
    "The scope of the store that it came from."
    scope_problem: str = ""
    "Why this account may not use that scope, as a clause (R55)."

    @property
    def identity(self) -> tls.Identity:
        """Chain and key for TLS."""
        pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain)
        return tls.Identity(pem, self.key.pem)

    def fitness(self, at: datetime) -> Fitness:
        """What there is to say about it at that time."""
        return self.demands.fitness(self.chain, self.key, at=at, scope=self.scope, scope_problem=self.scope_problem)


def own_certificate(settings: ServerSettings, at: datetime) -> OwnCertificate:
    """Read the certificate that the settings choose.

    ConfigurationError when there is none, when its key cannot be used, and for whatever else is wrong with it, unless
    the settings say that it is to be presented all the same.
    """
    demands = Demands.of(settings)
    if isinstance(settings.certificate, CertificateFiles):
        place, own = "certificate", _from_files(settings.certificate, demands)
    else:
        place, own = "certificate.store", _from_store(CertificateStore(settings.certificate.folder), demands)
    fitness = own.fitness(at)
    lenient = settings.certificate_rules.unsuitable == "warn" and fitness.presentable
    if not fitness.usable and not lenient:
        raise ConfigurationError([Problem(place, fitness.sentence(f"The certificate {own.label}"))])
    return own


def _from_files(files: CertificateFiles, demands: Demands) -> OwnCertificate:
    try:
        chain = read_chain(files.chain)
    except ValueError as error:
        raise ConfigurationError([Problem("certificate.chain", str(error))]) from error
    return OwnCertificate(str(files.chain), chain, read_key(files.key, chain[0]), demands)


def _from_store(store: CertificateStore, demands: Demands) -> OwnCertificate:
    active = store.active()
    if active is not None:
        return OwnCertificate(str(active), active.chain, active.key, demands, active.scope, active.scope_problem)
    certificates = ", ".join(map(str, store.certificates())) or "none"
    problems = "".join(f" {problem}" for problem in store.problems())
    message = (
        f"No certificate of the store {store.folder} is active, and it holds {certificates}.{problems} "
        "`sipfed certificates --config FILE activate NAME` chooses one."
    )
    raise ConfigurationError([Problem("certificate.store", message)])
