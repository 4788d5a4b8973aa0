"""What is allowed but makes federation fail with some partners, or soon will (R9, R34, R46, R52, R68)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from simulator.connect_server.certificates import CertificateStore, StoredCertificate
from simulator.connect_server.entitlement import server_entitlement
from simulator.connect_server.identity import OwnCertificate, own_certificate
from simulator.connect_server.key_files import readable_by_all
from simulator.connect_server.settings import SIPS_PORT, CertificateFiles, CertificateFolder, ServerSettings
from simulator.connect_server.suitability import Demands
from simulator.errors import ConfigurationError, Problem
from simulator.names import Fqdn, name_rule, warnings_of


def examine(settings: ServerSettings, at: datetime) -> list[Problem]:
    """What a server refuses to start with although the file itself is in order, with places as in the file."""
    found = name_problems(settings)
    try:
        own_certificate(settings, at)
    except ConfigurationError as error:
        found += error.problems
    return found


def name_problems(settings: ServerSettings) -> list[Problem]:
    """An `fqdn` that partners on open federation will not take, where the settings refuse that (R9)."""
    verdict = name_rule(settings.domain, settings.fqdn)
    if verdict.allowed or not settings.open_federation.enabled or settings.open_federation.name_rule == "warn":
        return []
    return [Problem("fqdn", f"{verdict.sentence} open_federation.name_rule refuses every other (R9).")]


def warnings(settings: ServerSettings) -> list[Problem]:
    """What the settings alone give reason to warn of; the places are those of the settings file."""
    return [*_names(settings), *_routes(settings), *_switches(settings)]


def certificate_warnings(settings: ServerSettings, own: OwnCertificate, at: datetime) -> list[Problem]:
    """What there is to say of the certificate in use, at this time."""
    place, fitness = "certificate", own.fitness(at)
    found = [Problem(place, f"The certificate {own.label}: {warning.detail}.") for warning in fitness.warnings]
    if not fitness.usable:
        sentence = fitness.sentence(f"The certificate {own.label}")
        found.insert(0, Problem(place, f"{sentence} It is presented all the same until another one is chosen."))
    return [*found, *_waiting(settings, own, at), *_open_keys(settings)]


def _names(settings: ServerSettings) -> Iterator[Problem]:
    verdict = name_rule(settings.domain, settings.fqdn)
    if not verdict.allowed:
        yield Problem(
            "fqdn",
            f"{verdict.sentence} Skype for Business servers that use open federation will not connect (R9); "
            "partners with a static route to this server do not mind (R52).",
        )
    told = set()
    for place, name in (("domain", settings.domain), ("fqdn", settings.fqdn)):
        for warning in warnings_of(name):
            if warning.kind not in told:
                told.add(warning.kind)
                yield Problem(place, warning.sentence)
    if settings.listen.port not in (0, SIPS_PORT):
        yield Problem(
            "listen.port",
            f"Partners connect to port {SIPS_PORT}, unless an SRV record says otherwise and they heed it (R46, F1.16). "
            f"Let the firewall forward {SIPS_PORT} to {settings.listen.port} (R18), or listen on {SIPS_PORT}.",
        )


def _routes(settings: ServerSettings) -> Iterator[Problem]:
    for index, route in enumerate(settings.static_routes.routes):
        place = f"static_routes.routes[{index}]"
        if not isinstance(route.host, Fqdn):
            yield Problem(
                f"{place}.host",
                f"{route.host} is an IP address, but certificates name hosts, so checking the certificate of the "
                f"server of {route.domain} can fail (R34). Write the host's name.",
            )
        else:
            for warning in warnings_of(route.host):
                yield Problem(f"{place}.host", warning.sentence)
        if route.domain == settings.domain:
            yield Problem(f"{place}.domain", f"{route.domain} is the server's own domain; no partner has it.")


def _switches(settings: ServerSettings) -> Iterator[Problem]:
    nobody = server_entitlement(settings)
    if nobody is not None:
        place = "licences.server" if nobody.decided_by == "server licence" else "federation.enabled"
        yield Problem(place, nobody.sentence)
    static = settings.static_routes
    if not static.enabled and any(route.enabled for route in static.routes):
        yield Problem("static_routes.enabled", "No static route works while static routes are switched off (R31).")
    if not static.enabled and not settings.open_federation.enabled:
        message = "Neither static routes nor open federation is switched on, so that no partner is ever reached."
        yield Problem("open_federation.enabled", message)


def _waiting(settings: ServerSettings, own: OwnCertificate, at: datetime) -> Iterator[Problem]:
    """A renewed certificate that nobody has activated (R68, F2.23)."""
    if not isinstance(settings.certificate, CertificateFolder):
        return
    demands = Demands.of(settings)
    newer = [
        certificate
        for certificate in CertificateStore(settings.certificate.folder).certificates()
        if certificate.leaf.not_valid_after_utc > own.chain[0].not_valid_after_utc
        and not certificate.active
        and certificate.fitness(demands, at).usable
    ]
    if newer:
        best: StoredCertificate = max(newer, key=lambda certificate: certificate.leaf.not_valid_after_utc)
        until = f"{best.leaf.not_valid_after_utc:%Y-%m-%d}"
        yield Problem(
            "certificate.store",
            f"The store holds {best}, which is valid for longer (until {until}) than the active one; "
            f"`sipfed certificates --config FILE activate {best}` takes it.",
        )


def _open_keys(settings: ServerSettings) -> Iterator[Problem]:
    if isinstance(settings.certificate, CertificateFiles):
        keys = [settings.certificate.key]
    else:
        active = CertificateStore(settings.certificate.folder).active()
        keys = [settings.certificate.folder / active.scope / f"{active.name}.key"] if active else []
    for key in keys:
        try:
            open_to_all = readable_by_all(key)
        except OSError:
            continue
        if open_to_all:
            message = (
                f"Every account of this machine may read {key}; give it to the server's account alone (chmod 600)."
            )
            yield Problem("certificate", message)
