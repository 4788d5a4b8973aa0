"""What Kamailio reads at its start: its script, its TLS settings and its presence tables."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from simulator.errors import ConfigurationError, Problem

SCHEMAS = Path("/usr/share/kamailio/db_sqlite")
"Where Debian's kamailio-sqlite-modules keeps the tables as SQL."
MODULES = tuple(Path("/usr/lib").glob("*/kamailio/modules"))
"Where Debian keeps the modules, one folder for each architecture."
NEEDED = ("tls.so", "presence.so", "presence_xml.so", "db_sqlite.so", "ipops.so", "xhttp.so", "jsonrpcs.so")
PACKAGES = "kamailio kamailio-tls-modules kamailio-presence-modules kamailio-sqlite-modules"


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of an identity."""

    chain: Path
    "Leaf first, then intermediates."
    key: Path
    "Its private key."


@dataclass(frozen=True, slots=True)
class KamailioSettings:
    """All that differs from one Kamailio to another."""

    domain: str
    "The SIP domain of its users."
    fqdn: str
    "Its name, which its certificate holds."
    address: str
    "Where it listens, an address of its own."
    port: int
    "For partners, mutual TLS."
    inner_port: int
    "For its own users, mutual TLS."
    phone_port: int
    "For real telephones of its users, plain TCP."
    control_port: int
    "For its RPC, HTTP with a token."
    inner_fqdn: str
    "The name in the certificate of its users' agent."
    inner_address: tuple[str, int]
    "Where that agent listens."
    certificate: Certificate
    "What it presents to everybody."
    roots: Path
    "Whom it trusts (PEM)."
    token: str
    "What its RPC wants to see."

    def write(self, folder: Path) -> Path:
        """Write all of it into `folder` and return the script; ConfigurationError where Kamailio is not whole."""
        modules = known_modules()
        if modules is None:
            problem = Problem("driver kamailio", f"its modules are missing; `apt install {PACKAGES}`")
            raise ConfigurationError([problem])
        names = {
            "DOMAIN": self.domain,
            "FQDN": self.fqdn,
            "ADDRESS": self.address,
            "PORT": str(self.port),
            "INNER_PORT": str(self.inner_port),
            "PHONE_PORT": str(self.phone_port),
            "CONTROL_PORT": str(self.control_port),
            "INNER_FQDN": self.inner_fqdn,
            "INNER_HOST": self.inner_address[0],
            "INNER_USER_PORT": str(self.inner_address[1]),
            "TOKEN": self.token,
            "FOLDER": str(folder),
            "MODULES": str(modules),
        }
        text = files("simulator.sut.kamailio").joinpath("kamailio.cfg").read_text(encoding="utf-8")
        for name, value in names.items():
            text = text.replace(f"@{name}@", value)
        script = folder / "kamailio.cfg"
        script.write_text(text, encoding="utf-8")
        (folder / "tls.cfg").write_text(self._tls(), encoding="utf-8")
        _make_tables(folder / "presence.sqlite")
        return script

    def _tls(self) -> str:
        """The same for both directions; a section `[client:any]` would need a server name of its own."""
        lines = (
            "method = TLSv1.2+",
            "verify_certificate = yes",
            "require_certificate = yes",
            f"certificate = {self.certificate.chain}",
            f"private_key = {self.certificate.key}",
            f"ca_list = {self.roots}",
        )
        return "".join(f"[{role}:default]\n" + "\n".join(lines) + "\n\n" for role in ("server", "client"))


def known_modules() -> Path | None:
    """The folder with Kamailio's modules, if all that are needed are there."""
    for folder in MODULES:
        if all((folder / name).exists() for name in NEEDED) and SCHEMAS.is_dir():
            return folder
    return None


def _make_tables(path: Path) -> None:
    database = sqlite3.connect(path)
    try:
        for name in ("standard", "presence", "usrloc"):
            database.executescript((SCHEMAS / f"{name}-create.sql").read_text(encoding="utf-8"))
        database.commit()
    finally:
        database.close()
