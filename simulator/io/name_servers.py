"""Gets one DNS question answered by one of several name servers (RFC 1035 §4.2, §7; RFC 1123 §6.1.3.2).

dnspython's own resolver does the same. Its search lists, transports and queues make a question cost half as much again
as its messages do, and a partner that is new to everybody has eight questions asked about it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from simulator.discovery import Answer, Question, RecordType
from simulator.io.dns_messages import CannotAsk, Reply, read_reply, reply_of, write_query

PATIENCE = 2.0
"Seconds after which a question may have been lost, so that the next server is asked, or the same one again."
LONGEST = 65535
"Octets of a datagram."

Server = tuple[str, int]
"An IP address and a port."


def of_the_system() -> Sequence[Server]:
    """The servers that this machine asks; raises CannotAsk when it has none."""
    import dns.exception
    import dns.resolver

    try:
        system = dns.resolver.Resolver()
    except dns.exception.DNSException as error:
        raise CannotAsk(f"this machine has no name server: {error}") from error
    return [(str(server), system.port) for server in system.nameservers]


async def answer_to(question: Question, servers: Sequence[Server], source: str | None) -> Answer:
    """The first answer that says what is or that nothing is; else the last one that says why not.

    A server that is silent is asked again until the caller's patience ends; TimeoutError when none can be asked, and
    CannotAsk for a name that no query can hold.
    """
    query, waiting = write_query(question), list(servers)
    while waiting:
        for server in tuple(waiting):
            try:
                async with asyncio.timeout(PATIENCE):
                    reply = await _ask(query, question.type, server, source)
            except TimeoutError:
                continue
            except OSError:
                reply = None
            waiting.remove(server)
            if reply is not None and (reply.conclusive or not waiting):
                return reply.answer
    raise TimeoutError


async def _ask(query: bytes, kind: RecordType, server: Server, source: str | None) -> Reply | None:
    """What this server says; None when that cannot be had."""
    reply = await _by_datagram(query, kind, server, source)
    return await _by_stream(query, kind, server, source) if reply.truncated else reply


async def _by_datagram(query: bytes, kind: RecordType, server: Server, source: str | None) -> Reply:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        if source is not None:
            sock.bind((source, 0))
        sock.connect(server)  # so that nobody else's datagrams come in
        sock.send(query)
        while True:
            reply = read_reply(await loop.sock_recv(sock, LONGEST), query, kind)
            if reply is not None:
                return reply


async def _by_stream(query: bytes, kind: RecordType, server: Server, source: str | None) -> Reply | None:
    import dns.asyncquery
    import dns.exception
    import dns.message

    try:
        whole = await dns.asyncquery.tcp(dns.message.from_wire(query), server[0], port=server[1], source=source)
    except (EOFError, dns.exception.DNSException):
        return None
    assert isinstance(whole, dns.message.QueryMessage), "dnspython has compared it with the query"
    return reply_of(whole, kind)
