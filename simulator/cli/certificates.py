"""`sipfed certificates`: the certificate store of a Connect Server (R62-R65, R68, R75)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.group import main

if TYPE_CHECKING:
    from datetime import datetime

    from simulator.connect_server.certificate_list import CertificateInfo
    from simulator.connect_server.certificates import CertificateStore, StoredCertificate
    from simulator.connect_server.settings import ServerSettings
    from simulator.connect_server.suitability import Scope

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
RELOAD = "A server that runs takes it with the next connection once it is told to read its settings again (SIGHUP)."


@main.group(short_help="List, add, activate and remove certificates.")
@click.option("--config", type=_FILE, help="The server's settings file, which names the store.")
@click.pass_context
def certificates(context: click.Context, config: Path | None) -> None:
    """List, add, activate and remove the certificates of a Connect Server."""
    context.obj = config


@certificates.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_certificates(config: Path | None, as_json: bool) -> None:
    """Show every certificate of the store, and whether it can be used."""
    from simulator.connect_server.certificate_list import describe_all
    from simulator.connect_server.suitability import Demands

    settings, store = _opened(config)
    found = describe_all(store, Demands.of(settings), _now())
    problems = [str(problem) for problem in store.problems()]
    if as_json:
        document = {"certificates": [dataclasses.asdict(one) for one in found], "problems": problems}
        click.echo(json.dumps(document, indent=2))
        return
    for one in found:
        _print(one)
    if not found:
        click.echo(f"The store {store.folder} holds no certificate.")
    for problem in problems:
        _say(f"Not shown: {problem}")


@certificates.command()
@click.argument("file", type=_FILE)
@click.argument("key", type=_FILE, required=False)
@click.option("--scope", type=click.Choice(["machine", "user"]), default="machine", show_default=True)
@click.option("--name", default="", help="What it is to be called.  [default: its host name and fingerprint]")
@click.option("--password-file", type=_FILE, help="Holds the password of a PKCS#12 file; without it you are asked.")
@click.pass_obj
def add(config: Path | None, file: Path, key: Path | None, scope: Scope, name: str, password_file: Path | None) -> None:
    """Add a certificate, and activate nothing.

    FILE is a PEM file with the certificate and the intermediate ones, and KEY one with its private key, unless that is
    in FILE, too; or FILE is a PKCS#12 file (.pfx, .p12).
    """
    _, store = _opened(config)
    content = _read(file)
    if b"-----BEGIN " in content:
        added = store.add(content, _read(key) if key is not None else None, scope=scope, name=name)
    else:
        added = _add_pkcs12(store, content, scope, name, password_file)
    _say(f"Added {added}, valid until {added.leaf.not_valid_after_utc:%Y-%m-%d}. It is not active.")


@certificates.command()
@click.argument("certificate")
@click.pass_obj
def activate(config: Path | None, certificate: str) -> None:
    """Choose CERTIFICATE (a name, or the beginning of a fingerprint) for federation."""
    from simulator.connect_server.suitability import Demands

    settings, store = _opened(config)
    demands = Demands.of(settings)
    chosen = store.activate(certificate, demands, _now())
    _say(f"{chosen} is the active certificate now. {RELOAD}")
    for warning in chosen.fitness(demands, _now()).warnings:
        _say(f"Warning: {warning.detail}.")


@certificates.command()
@click.argument("certificate")
@click.pass_obj
def remove(config: Path | None, certificate: str) -> None:
    """Delete CERTIFICATE and its private key."""
    _, store = _opened(config)
    _say(f"Removed {store.remove(certificate)}.")


def _opened(config: Path | None) -> tuple[ServerSettings, CertificateStore]:
    from simulator.connect_server.certificates import store_of
    from simulator.connect_server.settings import load

    if config is None:
        raise click.UsageError("Give the settings of the server: sipfed certificates --config FILE list.")
    settings = load(config)
    return settings, store_of(settings)


def _add_pkcs12(
    store: CertificateStore, content: bytes, scope: Scope, name: str, password_file: Path | None
) -> StoredCertificate:
    from simulator.errors import ConfigurationError

    if password_file is not None:
        password = _read(password_file).decode("utf-8", "replace").rstrip("\r\n")
        return store.add_pkcs12(content, password, scope=scope, name=name)
    try:
        return store.add_pkcs12(content, None, scope=scope, name=name)
    except ConfigurationError as error:
        if error.problems[0].place != "password":
            raise
    asked: str = click.prompt("Password of the PKCS#12 file", hide_input=True, err=True)
    return store.add_pkcs12(content, asked, scope=scope, name=name)


def _print(one: CertificateInfo) -> None:
    state = "active" if one.active else "can be used" if one.usable else "cannot be used"
    _say(f"{one.scope}/{one.name}: {state}")
    for label, value in (
        ("names", ", ".join(one.names) or "none"),
        ("subject", one.subject or "empty"),
        ("issuer", one.issuer),
        ("valid", f"{one.valid_from[:10]} to {one.valid_until[:10]}, left: {one.time_left}"),
        ("usages", ", ".join(one.usages) or "not limited"),
        ("key", f"{one.key}, private key {one.private_key}"),
        ("chain", f"{one.chain_length} certificate{'s' * (one.chain_length > 1)}"),
        ("thumbprint", one.thumbprint),
        ("SHA-256", one.fingerprint),
    ):
        _say(f"    {label + ':':12}{value}")
    for problem in one.problems:
        _say(f"    Not usable: {problem}.")
    for warning in one.warnings:
        _say(f"    Warning: {warning}.")


def _read(path: Path) -> bytes:
    from simulator.errors import ConfigurationError, Problem

    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([Problem(str(path), f"It cannot be read: {error.strerror}.")]) from error


def _say(text: str) -> None:
    from simulator.scenarios.text import printable

    click.echo(printable(text))


def _now() -> datetime:
    from simulator.clock import SystemClock

    return SystemClock().today()
