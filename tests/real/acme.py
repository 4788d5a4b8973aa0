"""Pebble, the small CA of the Let's Encrypt project, and lego, an ACME client; both ask the fake DNS (RFC 8555)."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509

from fakes.ca import Authority
from tests.real.ports import free_port
from tests.real.tunnels import running

DEADLINE = 120
"Seconds for one order; it is there so that nothing hangs. The client looks every five seconds."


@dataclass(frozen=True)
class Pebble:
    """The CA while it runs."""

    address: str
    port: int
    "Of its ACME interface."
    web: int
    "The port where it looks for files of HTTP-01, in place of 80."
    root: x509.Certificate
    "New at every start."

    @property
    def directory(self) -> str:
        """Where an ACME client begins."""
        return f"https://{self.address}:{self.port}/dir"


@contextmanager
def pebble(program: Path, authority: Authority, dns: tuple[str, int], folder: Path) -> Iterator[Pebble]:
    """Run Pebble, which validates by the name server `dns`, until the end of the block."""
    address, port, management, web = "127.0.0.1", free_port(), free_port(), free_port()
    certificate, key = authority.write(authority.issue("acme-ca.test", sans=[address]))
    configuration = {
        "listenAddress": f"{address}:{port}",
        "managementListenAddress": f"{address}:{management}",
        "certificate": str(certificate),
        "privateKey": str(key),
        "httpPort": web,
        "tlsPort": free_port(),
    }
    path = folder / "pebble.json"
    path.write_text(json.dumps({"pebble": configuration}), encoding="utf-8")
    settings = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
    command = ["env", *(f"{name}={value}" for name, value in settings.items())]
    command += [str(program), "-config", str(path), "-dnsserver", f"{dns[0]}:{dns[1]}"]
    with running(command, folder) as process:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if "ACME directory available" in line:
                break
        else:
            raise AssertionError(f"Pebble did not start; it printed:\n{''.join(printed)}")
        reader = threading.Thread(target=process.stdout.read)
        reader.start()
        trusting = ssl.create_default_context(cadata=authority.root_pem.decode())
        with urllib.request.urlopen(f"https://{address}:{management}/roots/0", context=trusting) as answer:
            root = x509.load_pem_x509_certificate(answer.read())
        yield Pebble(address, port, web, root)
        process.kill()
        reader.join()


@dataclass(frozen=True)
class Lego:
    """The ACME client on the server's machine (R69)."""

    program: Path
    ca: Pebble
    root: Path
    "The CA file by which it trusts the ACME interface."
    folder: Path
    "Where it keeps what it gets."

    def order(self, name: str, *how: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Order a certificate for `name`, validated by the options `how`; `settings` go into its environment."""
        command = [str(self.program), "--server", self.ca.directory, "--path", str(self.folder), "--accept-tos"]
        command += ["--email", "admin@acme.test", "--domains", name, *how, "run"]
        environment = os.environ | {"LEGO_CA_CERTIFICATES": str(self.root)} | settings
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=DEADLINE, check=False)

    def files(self, name: str) -> tuple[Path, Path]:
        """The certificate with its chain, and its key."""
        kept = self.folder / "certificates"
        return kept / f"{name}.crt", kept / f"{name}.key"


@contextmanager
def webroot(folder: Path, address: str, port: int) -> Iterator[list[str]]:
    """Serve the files below `folder` over HTTP; gives the paths that were asked for, as they come."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

    with _serving(partial(Handler, directory=str(folder)), address, port):
        yield asked


@contextmanager
def dns_provider(change: Callable[[str, str, str], None], address: str = "127.0.0.1") -> Iterator[str]:
    """An API for DNS records as hosters have one, in lego's form `httpreq`; gives its URL.

    `change` gets `present` or `cleanup`, the name and the text of the record.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            change(self.path.strip("/"), body["fqdn"], body["value"])
            self.send_response(200)
            self.end_headers()

    with _serving(Handler, address, 0) as port:
        yield f"http://{address}:{port}"


@contextmanager
def _serving(handler: Callable[..., BaseHTTPRequestHandler], address: str, port: int) -> Iterator[int]:
    with ThreadingHTTPServer((address, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
