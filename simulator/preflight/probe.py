"""What a server can do, found by trying it where that can be tried, and else as its driver says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from simulator.errors import SipfedError
from simulator.federation import Engine, Federation
from simulator.io.user import User
from simulator.preflight.check import TEXT
from simulator.presence.state import Availability
from simulator.sut.capabilities import CAPABILITIES


@dataclass(frozen=True, slots=True)
class Finding:
    """One capability."""

    capability: str
    "Its name."
    has: bool
    "Whether the server has it."
    why: str
    "How that is known, in a few words; for what failed, what came instead."


def probe(engine: Engine) -> Iterator[Finding]:
    """A finding for each capability, in their order; the way to the server is expected to be open."""
    assert engine.sut is not None
    said = engine.sut.capabilities
    for name in CAPABILITIES:
        if name not in said:
            yield Finding(name, False, "nothing says so")
        elif name in _TRIALS:
            yield _tried(engine, name)
        else:
            yield Finding(name, True, "as the driver says")


def _tried(engine: Engine, name: str) -> Finding:
    federation = Federation(engine)
    try:
        able = "open-federation" in federation.sut.capabilities
        partner = federation.partner() if able else federation.direct_partner()
        bob = partner.user("bob")
        bob.ignores("messages", "typing")
        _TRIALS[name](federation.sut.user("alice"), bob)
    except SipfedError as error:
        return Finding(name, False, str(error))
    else:
        return Finding(name, True, "tried")
    finally:
        federation.close()


def _receive(alice: User, bob: User) -> None:
    bob.chat_with(alice).say(TEXT).must_succeed()


def _chat(alice: User, bob: User) -> None:
    alice.chat_with(bob).say(TEXT).must_succeed()
    bob.expect_message(TEXT)


def _inbox(alice: User, bob: User) -> None:
    bob.chat_with(alice).say(TEXT).must_succeed()
    alice.expect_message(TEXT, from_=bob)


def _show_presence(alice: User, bob: User) -> None:
    bob.watch(alice).expect()


def _presence(alice: User, bob: User) -> None:
    watch = bob.watch(alice)
    watch.expect()
    for state in (Availability.BUSY, Availability.AVAILABLE):
        alice.set_presence(state)
        watch.expect(state)
    seen = alice.watch(bob)
    seen.expect()
    seen.stop()


_TRIALS: Final[dict[str, Callable[[User, User], None]]] = {
    "receive": _receive,
    "chat": _chat,
    "observe-inbox": _inbox,
    "show-presence": _show_presence,
    "presence": _presence,
}
