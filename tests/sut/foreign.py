"""A server that stands on its own, as somebody else's product would: it knows our DNS, our CA, and nothing of us."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from simulator.connect_server.settings import ServerSettings
from simulator.sut.process import ServerProcess, as_toml


@dataclass
class Foreign:
    """A Connect Server in a process of its own, and where everything is."""

    folder: Path
    settings: ServerSettings
    dns_port: int
    process: ServerProcess | None = None

    def start(self, **changes: object) -> ServerProcess:
        """Start it with these settings changed."""
        config = self.folder / "connect.toml"
        config.write_text(as_toml(replace(self.settings, **changes)), encoding="utf-8")  # type: ignore[arg-type]
        self.process = ServerProcess(config)
        return self.process

    def sut_toml(self, driver: str, *lines: str, network: str = "") -> Path:
        """A sut.toml for it, with `lines` in its table [sut]; what follows a line with a table belongs to that."""
        listen = self.settings.listen
        text = [
            "[sut]",
            f'driver = "{driver}"',
            f'domain = "{self.settings.domain}"',
            f'fqdn = "{self.settings.fqdn}"',
            f'address = "{listen.address}:{listen.port}"',
            *lines,
            "[network]",
            f"dns_port = {self.dns_port}",
            f"ca = '{self.folder / 'ca'}'",
            network,
        ]
        if driver == "http":
            assert self.process is not None
            text += ["[http]", f'url = "{self.process.url}"', f'token = "{self.process.token}"']
        path = self.folder / "sut.toml"
        path.write_text("\n".join(text) + "\n", encoding="utf-8")
        return path
