"""Gets one DNS question answered by one of several name servers (RFC 1035 §4.2, §7; RFC 1123 §6.1.3.2).

dnspython's own resolver does the same. Its search lists, transports and queues make a question cost half as much again
as its messages do, which are used here, and a partner that is new to everybody has eight questions asked about it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.resolver

PATIENCE = 2.0
"Seconds after which a question may have been lost, so that the next server is asked, or the same one again."
LONGEST = 65535
"Octets of a datagram."

Server = tuple[str, int]
"An IP address and a port."


def of_the_system() -> Sequence[Server]:
    """The servers that this machine asks; raises DNSException when it has none."""
    system = dns.resolver.Resolver()
    return [(str(server), system.port) for server in system.nameservers]


async def reply_to(
    query: dns.message.QueryMessage, servers: Sequence[Server], source: str | None
) -> dns.message.QueryMessage:
    """The first reply that says what is or that nothing is; else the last one that says why not.

    A server that is silent is asked again until the caller's patience ends; TimeoutError when none can be asked.
    """
    waiting = list(servers)
    while waiting:
        for server in tuple(waiting):
            try:
                async with asyncio.timeout(PATIENCE):
                    reply = await _ask(query, server, source)
            except TimeoutError:
                continue
            except (OSError, EOFError, dns.exception.DNSException):
                waiting.remove(server)
                continue
            waiting.remove(server)
            if not waiting or reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return reply
    raise TimeoutError


async def _ask(query: dns.message.QueryMessage, server: Server, source: str | None) -> dns.message.QueryMessage:
    reply = await _by_datagram(query, server, source)
    if reply.flags & dns.flags.TC:
        whole = await dns.asyncquery.tcp(query, server[0], port=server[1], source=source)
        assert isinstance(whole, dns.message.QueryMessage), "dnspython has compared it with the query"
        return whole
    return reply


async def _by_datagram(query: dns.message.QueryMessage, server: Server, source: str | None) -> dns.message.QueryMessage:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        if source is not None:
            sock.bind((source, 0))
        sock.connect(server)  # so that nobody else's datagrams come in
        sock.send(query.to_wire())
        while True:
            wire = await loop.sock_recv(sock, LONGEST)
            try:
                reply = dns.message.from_wire(wire)
            except dns.exception.DNSException:
                continue  # whoever sent it, the right one may still come
            if isinstance(reply, dns.message.QueryMessage) and query.is_response(reply):
                return reply
