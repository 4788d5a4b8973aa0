"""Ports for programs that cannot be told to take any free one."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port that nobody has, over UDP or TCP; somebody may take it before it is used, but hardly ever does."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
        try:
            udp.bind(("127.0.0.1", port))
        except OSError:
            return free_port()
        return port
