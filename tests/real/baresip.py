"""baresip, a telephone that others wrote, as a whole organisation: it listens for mutual TLS and opens it by itself."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from fakes.ca import Authority
from tests.real.conversation import DEADLINE, Conversation

CONTROL_PORT = 4444
"At an address of its own."
SETTINGS = """\
poll_method epoll
sip_listen {address}:{plain_port}
sip_certificate {certificate}
sip_cafile {roots}
net_interface {address}
dns_server {dns}
module_path /usr/lib/baresip/modules
module_app account.so
module_app contact.so
module_app menu.so
module_app presence.so
module_app ctrl_tcp.so
ctrl_tcp_listen {address}:{control_port}
"""


class Baresip(Conversation):
    """One user, `uri`, who knows one other; its lines are a trace of all messages. It knows no session of text."""

    def __init__(
        self,
        program: Path,
        uri: str,
        listen: tuple[str, int],
        fqdn: str,
        *,
        contact: str,
        edge: tuple[str, int],
        dns: tuple[str, int],
        authority: Authority,
        folder: Path,
    ) -> None:
        """`contact` is whom it watches and writes to, `edge` where requests to there go."""
        issued = authority.issue(fqdn)
        certificate = folder / "certificate.pem"
        certificate.touch(0o600)
        certificate.write_bytes(issued.chain_pem + issued.key_pem)
        settings = SETTINGS.format(
            address=listen[0],
            plain_port=listen[1] - 1,  # TLS is one above
            certificate=certificate,
            roots=authority.write_root(),
            dns=f"{dns[0]}:{dns[1]}",
            control_port=CONTROL_PORT,
        )
        (folder / "config").write_text(settings)
        proxy = f"sip:{edge[0]}:{edge[1]};transport=tls"
        (folder / "accounts").write_text(f'<{uri};transport=tls>;regint=0;outbound="{proxy}"\n')
        (folder / "contacts").write_text(f'"Contact" <{contact}>;presence=p2p\n')
        super().__init__([program, "-f", folder, "-s"], folder, {"HOME": str(folder), "PATH": "/usr/bin:/bin"})
        self.until("baresip is ready")
        self._control = (listen[0], CONTROL_PORT)

    def command(self, name: str, parameters: str = "") -> None:
        """Let it do one of its own commands: `message TEXT` goes to the contact, `presence_online` is shown to all."""
        text = json.dumps({"command": name, "params": parameters, "token": "test"})
        with socket.create_connection(self._control, DEADLINE) as control:
            control.sendall(f"{len(text)}:{text},".encode())
            answer = control.recv(4096)
        assert b'"ok":true' in answer, answer
