"""Session tickets: the interpreter's own TLS takes up a session again where tickets are on, and only there."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from simulator.tls import Context, DataReceived, Endpoint
from tests.test_tls import CLIENT, SERVER, Say, events

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture
def client(tmp_path: Path, version: str) -> ssl.SSLContext:
    """A client of one version that shows its certificate and believes every server."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(CLIENT.chain_pem)
    key.write_bytes(CLIENT.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.load_cert_chain(chain, key)
    return context


def talk(client: ssl.SSLContext, server: Endpoint, session: ssl.SSLSession | None) -> ssl.SSLObject:
    """Let the client say hello to the server, and hear it back."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(incoming, outgoing, server_hostname="sip.fabrikam.test", session=session)
    server.start()
    said, heard = False, b""
    while not heard:
        try:
            if not said:
                ours.do_handshake()
                said = bool(ours.write(b"hello"))
            heard = ours.read(100)
        except ssl.SSLWantReadError:
            pass
        sent = outgoing.read()
        server.receive_data(sent)
        for event in events(server):
            if isinstance(event, DataReceived):
                server.send(event.data)
        answer = server.data_to_send()
        assert heard or sent or answer, "both wait for the other"
        incoming.write(answer)
    return ours


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("tickets", [False, True])
def test_a_session_is_resumed_only_with_tickets(client: ssl.SSLContext, tickets: bool) -> None:
    context = Context(SERVER, "server", Say(), minimum="TLSv1.2", maximum="TLSv1.3", tickets=tickets)

    first = talk(client, Endpoint(context), None)
    again = talk(client, Endpoint(context), first.session)

    assert not first.session_reused
    assert again.session_reused is tickets
