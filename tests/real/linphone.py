"""linphonec, a telephone that others wrote, as a user behind the server under test."""

from __future__ import annotations

from pathlib import Path

from tests.real.conversation import Conversation

SETTINGS = """\
[sip]
default_proxy=0
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
bind_address=127.0.0.1
[net]
dns_srv_enabled=0
[misc]
store_friends=0
[proxy_0]
reg_proxy=<sip:{host}:{port};transport=tcp>
reg_route=<sip:{host}:{port};transport=tcp;lr>
reg_identity=sip:{user}
reg_expires=3600
reg_sendregister=1
publish=1
"""


class Linphone(Conversation):
    """One registered user, told in linphonec's own language: `chat sip:bob@fabrikam.test hello`, `friend add bob …`."""

    def __init__(self, program: Path, user: str, registrar: tuple[str, int], folder: Path) -> None:
        """`user` is `user@domain`, `registrar` where it registers over plain TCP."""
        (folder / ".local" / "share" / "linphone").mkdir(parents=True)
        settings = folder / "linphonerc"
        settings.write_text(SETTINGS.format(host=registrar[0], port=registrar[1], user=user), encoding="utf-8")
        environment = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PATH": "/usr/bin:/bin"}
        super().__init__([program, "-c", settings, "-d", "0"], folder, environment)
