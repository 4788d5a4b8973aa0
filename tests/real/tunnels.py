"""Mutual TLS for programs that speak none: stunnel holds the certificate, the program speaks TCP to it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fakes.ca import Authority

PLAIN_PORT = 15060
"Where stunnel takes the program's own requests, and at `PLAIN_PORT + 1` the program what stunnel brings."


@dataclass(frozen=True)
class Tunnels:
    """stunnel as the edge of one organisation: `fqdn`, at an address where nobody else listens."""

    stunnel: Path
    authority: Authority
    fqdn: str
    address: str
    folder: Path
    "For certificates and settings."
    port: int = 5061

    @contextmanager
    def to(self, address: str, port: int, fqdn: str) -> Iterator[subprocess.Popen[str]]:
        """What comes to `PLAIN_PORT` goes to `address` and `port`, whose certificate must be for `fqdn`."""
        settings = f"client = yes\naccept = {self.address}:{PLAIN_PORT}\nconnect = {address}:{port}\n"
        settings += f"sni = {fqdn}\ncheckHost = {fqdn}\n"
        with self._run("out", settings) as process:
            yield process

    @contextmanager
    def from_others(self) -> Iterator[subprocess.Popen[str]]:
        """What comes to `port` over mutual TLS goes to `PLAIN_PORT + 1`."""
        settings = f"accept = {self.address}:{self.port}\nconnect = {self.address}:{PLAIN_PORT + 1}\n"
        with self._run("in", settings + "requireCert = yes\n") as process:
            yield process

    @contextmanager
    def _run(self, name: str, settings: str) -> Iterator[subprocess.Popen[str]]:
        chain, key = self.authority.write(self.authority.issue(self.fqdn))
        file = self.folder / f"stunnel-{name}.conf"
        common = f"foreground = yes\npid =\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n[{name}]\n"
        identity = f"cert = {chain}\nkey = {key}\nCAfile = {self.authority.write_root()}\nverifyChain = yes\n"
        file.write_text(common + identity + settings)
        with running([str(self.stunnel), str(file)], self.folder) as process:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if "Configuration successful" in line:
                    break
            else:
                raise AssertionError(f"stunnel did not start:\n{said}")
            yield process


@contextmanager
def running(
    command: Sequence[str], folder: Path, output: IO[str] | int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """Run a program in `folder` until the end of the block."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
