"""A connection that the peer closes just when something is to be sent over it."""

from __future__ import annotations

import inspect

from simulator.federation import Engine, Federation
from simulator.sut import EmbeddedServer


def test_a_state_that_was_sent_over_a_dying_connection_still_reaches_the_watcher(
    sipfed_engine: Engine, federation: Federation
) -> None:
    """A subscription outlives its connection: RFC 6665 §4.2.2 ends it only when the watcher cannot be reached."""
    partner = federation.partner()
    watch = partner.user("bob").watch(alice := federation.sut.user("alice"))
    watch.expect("available")
    server = federation.sut
    assert isinstance(server, EmbeddedServer)

    def close_and_change() -> None:
        """In one turn of the loop, so that the server writes before it can have seen the end."""
        for link in tuple(partner.agent.transport.links):
            link.close()
        server.server.agent.publish(server.server.account("alice"), state)

    alice.set_presence("busy")
    watch.expect("busy")
    state = server.server.account("alice").state
    sipfed_engine.loop.call(close_and_change)

    watch.expect("busy")
    alice.set_presence("away")
    watch.expect("away")


def test_what_was_begun_in_the_turn_in_which_all_is_forgotten_is_ended(
    sipfed_engine: Engine, federation: Federation
) -> None:
    """A request and the restart may come at once; what the request began would be an error of ours later."""
    agent = federation.partner().agent

    async def look_up() -> None:
        raise AssertionError("nobody wants it any more")

    begun = look_up()

    def begin_and_forget() -> None:
        agent.in_background(begun)
        agent.forget()

    sipfed_engine.loop.call(begin_and_forget)
    sipfed_engine.loop.call(lambda: None)

    assert inspect.getcoroutinestate(begun) == inspect.CORO_CLOSED
