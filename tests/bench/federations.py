"""What a federation costs: to start it, to join a new partner, and to chat over fresh connections both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

from simulator.errors import SipfedError
from simulator.exploration.exploring import explore
from simulator.federation import Engine, Federation
from tests.bench.handshake import HANDSHAKE
from tests.bench.measure import Measure, Round, Stopwatch, Target

EXAMPLES = 100
"Federations that are explored in one round, as `sipfed explore` does by default."


@contextmanager
def running_engine(one_round: Callable[[Engine, Stopwatch], None]) -> Iterator[Round]:
    """An engine with its embedded server, for the rounds of one measure."""
    engine = Engine()
    try:
        engine.start_embedded()
        yield partial(one_round, engine)
    finally:
        _nothing_went_wrong(engine.close())


@contextmanager
def no_preparation(one_round: Round) -> Iterator[Round]:
    """For a round that makes everything itself."""
    yield one_round


def start_and_stop(watch: Stopwatch) -> None:
    """Start the loop, the DNS, the CA and the embedded server; closing them is not counted."""
    with watch:
        engine = Engine()
        engine.start_embedded()
    _nothing_went_wrong(engine.close())


def scenario(engine: Engine, watch: Stopwatch) -> None:
    """The same from start to end, as a test has it."""
    with watch:
        federation, _ = _chat_each_way(engine)
        errors = federation.close()
    _nothing_went_wrong(errors)


@contextmanager
def exploring() -> Iterator[Round]:
    """Other federations each round, drawn, run and compared with what the requirements say."""
    seeds = count(1)

    def one_round(engine: Engine, watch: Stopwatch) -> None:
        report = explore(engine, examples=EXAMPLES, seed=next(seeds))
        if report.disagreement is not None:
            raise SipfedError(str(report.disagreement))
        watch.value = report.tried / report.cpu

    with running_engine(one_round) as found:
        yield found


def start_partner(engine: Engine, watch: Stopwatch) -> None:
    """Start a partner with its own domain, certificate, listener and DNS records; closing it is not counted."""
    federation = Federation(engine)
    with watch:
        federation.partner()
    _nothing_went_wrong(federation.close())


def chat_with_a_new_partner(engine: Engine, watch: Stopwatch) -> None:
    """A new partner and a message each way over connections of their own; the end is not counted."""
    with watch:
        federation, connections = _chat_each_way(engine)
    if connections() != 2:
        raise SipfedError(f"A message each way takes a connection each way; there were {connections()}.")
    _nothing_went_wrong(federation.close())


def end_after_a_chat(engine: Engine, watch: Stopwatch) -> None:
    """The end alone, of a partner with two connections and two conversations."""
    federation, _ = _chat_each_way(engine)
    with watch:
        errors = federation.close()
    _nothing_went_wrong(errors)


def _chat_each_way(engine: Engine) -> tuple[Federation, Callable[[], int]]:
    """The federation, and what counts the open connections of its partner."""
    federation = Federation(engine)
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.chat_with(bob).say("Hello from Acme").must_succeed()
    bob.expect_message("Hello from Acme", from_=alice)
    bob.chat_with(alice).say("Hello from Fabrikam").must_succeed()
    alice.expect_message("Hello from Fabrikam", from_=bob)
    return federation, lambda: partner.edge.connections


def _nothing_went_wrong(errors: list[str]) -> None:
    if errors:
        raise SipfedError(f"The bench measured something broken: {'; '.join(errors)}")


MEASURES = (
    Measure(
        name="new partner, chat each way",
        about="A partner that nobody has seen (domain, certificate, DNS records, listener), and a handshake and one "
        "chat message in each direction.",
        setup=partial(running_engine, chat_with_a_new_partner),
        against=HANDSHAKE.name,
        target=Target(30),
    ),
    Measure(
        name="scenario",
        about="The same and the end: what a scenario with its own partner and a message each way costs.",
        setup=partial(running_engine, scenario),
        against=HANDSHAKE.name,
        target=Target(3, "ratio"),
    ),
    Measure(
        name="explore",
        about=f"`sipfed explore`: generated federations in a second of processor time of one core, {EXAMPLES} a round.",
        setup=exploring,
        unit="1/s CPU",
        target=Target(40, at_least=True),
        most=10,
    ),
    Measure(
        name="partner end",
        about="What the end of a test costs after such a chat: good-bye, connections, listener, DNS records.",
        setup=partial(running_engine, end_after_a_chat),
        against=HANDSHAKE.name,
    ),
    Measure(
        name="partner start",
        about="Domain, certificate, listener and DNS records of a new partner, before anything is sent.",
        setup=partial(running_engine, start_partner),
        against=HANDSHAKE.name,
    ),
    Measure(
        name="engine start",
        about="The loop's thread, the DNS, the CA and the embedded server.",
        setup=partial(no_preparation, start_and_stop),
        against=HANDSHAKE.name,
    ),
)
