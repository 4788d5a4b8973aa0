"""The mutual handshake of our TLS end points, both ends in memory, beside pyOpenSSL with OpenSSL's own verification."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from OpenSSL import SSL

from fakes.ca import Authority
from simulator import tls, trust
from tests.bench.handshake import context
from tests.bench.measure import Measure, Round, Stopwatch, Target

HANDSHAKES = 10
"In a round."


@contextmanager
def handshakes(prepare: Callable[[Authority], Callable[[], None]]) -> Iterator[Round]:
    """Rounds of handshakes with contexts that were made once."""
    with Authority() as authority:
        one = prepare(authority)

        def one_round(watch: Stopwatch) -> None:
            watch.count = HANDSHAKES
            with watch:
                for _ in range(HANDSHAKES):
                    one()

        yield one_round


def bare(authority: Authority) -> Callable[[], None]:
    """With nothing but pyOpenSSL."""
    server = context(SSL.TLS_SERVER_METHOD, authority, authority.issue("server.test"))
    client = context(SSL.TLS_CLIENT_METHOD, authority, authority.issue("client.test"))

    def one() -> None:
        ends = SSL.Connection(client), SSL.Connection(server)
        ends[0].set_connect_state()
        ends[1].set_accept_state()
        waiting = 2
        while waiting:
            waiting = 0
            for own, other in (ends, ends[::-1]):
                try:
                    own.do_handshake()
                except SSL.WantReadError:
                    waiting += 1
                with suppress(SSL.WantReadError):
                    other.bio_write(own.bio_read(65536))

    return one


def ours(authority: Authority) -> Callable[[], None]:
    """With the end points and the trust rules that partners and server use."""

    def judge(presented: tls.PresentedChain) -> trust.Verdict:
        return trust.judge(
            presented, roots=[authority.root], at=datetime.now(UTC), rules=trust.CONNECT_SERVER, expected=None
        )

    def made(name: str, role: tls.Role) -> tls.Context:
        issued = authority.issue(name)
        return tls.Context(tls.Identity(issued.chain_pem, issued.key_pem), role=role, verify=judge)

    server, client = made("server.test", "server"), made("client.test", "client")

    def one() -> None:
        ends = tls.Endpoint(client, server_name="server.test"), tls.Endpoint(server)
        ends[0].start()
        moved = True
        while moved:
            moved = False
            for own, other in (ends, ends[::-1]):
                if data := own.data_to_send():
                    other.receive_data(data)
                    moved = True
        assert all(isinstance(end.next_event(), tls.HandshakeCompleted) for end in ends)

    return one


MEASURES = (
    Measure(
        name="pyOpenSSL handshake",
        about="A mutual TLS 1.3 handshake with P-256, both ends in memory, by pyOpenSSL alone.",
        setup=partial(handshakes, bare),
    ),
    Measure(
        name="our handshake",
        about="The same by our end points, each certificate judged by our trust rules.",
        setup=partial(handshakes, ours),
        against="pyOpenSSL handshake",
        target=Target(1.1, "ratio"),
    ),
)
