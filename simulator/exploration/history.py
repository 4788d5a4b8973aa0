"""Histories: users chat and change presence while connections die, routes toggle and policies change, in any order."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from simulator.errors import ExpectationFailed, SipfedError
from simulator.federation import Engine, Federation
from simulator.io.user import User
from simulator.io.watch import Watch
from simulator.outcome import Outcome
from simulator.partner import Partner
from simulator.presence.state import Availability

Direction = Literal["to the partner", "from the partner"]
DIRECTIONS: Final[tuple[Direction, Direction]] = ("to the partner", "from the partner")
AVAILABILITIES: Final = (Availability.BUSY, Availability.AVAILABLE, Availability.AWAY)
"What users show: what every persona and every form of presence document can say."
OURS: Final = ("alice", "anna")
THEIRS: Final = ("bob", "ben")
TOGGLES: Final = ("route", "static routes", "open federation", "partner route", "partner dns")
"What is switched off and on."
PERSONAS: Final = ("sfb-2019", "generic")
NEEDS: Final = ("chat", "presence", "observe-inbox", "open-federation", "static-routes", "switch-open-federation")
"Capabilities without which there is no history."


class HistoryFailed(SipfedError):
    """In the course of events something went wrong; the text is the history, what was wrong, and the ladder."""


@dataclass
class Side:
    """One partner, and what the model knows of it."""

    name: str
    "For people: by which way it is joined."
    partner: Partner
    "The partner."
    routed: bool
    "Whether a static route leads to it, and nothing else; otherwise it is found by DNS."
    enabled: bool = True
    "Its route's switch."
    blocked: bool = False
    "Whether it has switched its federation off."
    shaken: set[Direction] = field(default_factory=set)
    "In which directions connections or conversations have died since the last message."


@dataclass
class Watching:
    """A subscription, and whom it is to."""

    watch: Watch
    "The subscription."
    side: Side
    "The partner that it is with."
    presentity: str
    "`sip:user@domain` of who is watched."
    undisturbed: bool = True
    "Whether both sides federated all the time since."


class History:
    """A federation with two partners and the model of it. Each verb does something and checks what came of it."""

    def __init__(self, engine: Engine, personas: tuple[str, str] = ("sfb-2019", "sfb-2019")) -> None:
        self.federation = Federation(engine)
        self.steps: list[str] = []
        "What was done, a line each."
        self.done: Counter[str] = Counter()
        "How often each kind of thing was done."
        self._texts = (f"text {number}" for number in itertools.count(1))
        self.static = self.open = True
        direct = self.federation.direct_partner(personas[0])
        self.sides = [Side("route", direct, True), Side("dns", self.federation.partner(personas[1]), False)]
        self.failure: HistoryFailed | None = None
        "What was wrong, so that nothing more is to be done."
        self._watches: dict[tuple[str, str], Watching] = {}
        self._published: dict[str, Availability] = {}
        self.steps += [f"partner {side.name}: {side.partner.persona.name}" for side in self.sides]

    def note(self, kind: str, sentence: str) -> None:
        """Put a step into the history."""
        self.done[kind] += 1
        self.steps.append(sentence)

    # -- what happens -------------------------------------------------------------------------------------------

    def say(self, side: Side, direction: Direction, ours: str, theirs: str) -> None:
        """One writes to the other: it arrives exactly once, or the sender is told."""
        text = next(self._texts)
        sender, receiver = self._pair(side, direction, ours, theirs)
        outcome = sender.chat_with(receiver).say(text)
        self.note("message", f"{text!r} {direction} {side.name}, {ours} and {theirs}: {_word(outcome)}")
        self._judge(side, direction, outcome)
        came = [message.text for message in receiver.messages].count(text)
        if came != int(outcome.delivered):
            self.fail(f"{outcome.subject} was {_word(outcome)}, says its sender; it arrived {came} times.")

    def watch(self, side: Side, direction: Direction, ours: str, theirs: str) -> None:
        """One subscribes to the presence of the other, again if they did before."""
        watcher, presentity = self._pair(side, direction, ours, theirs)
        watch = watcher.watch(presentity)
        self.note("watch", f"watch {direction} {side.name}, {ours} and {theirs}: {_word(watch.outcome)}")
        self._judge(side, direction, watch.outcome)
        key = (watcher.uri, presentity.uri)
        self._watches.pop(key, None)
        if watch.outcome.delivered:
            self._watches[key] = Watching(watch, side, presentity.uri)

    def publish(self, side: Side | None, name: str, availability: Availability) -> None:
        """Somebody changes what they show; `side` None is the server's user."""
        user = self._user(side, name)
        user.set_presence(availability)
        self._published[user.uri] = availability
        self.note("presence", f"{user.uri} shows {availability.value}")

    def cut(self, side: Side, *, restart: bool) -> None:
        """All connections of the partner end; with `restart` it forgets what was on them, too."""
        self.note("cut", f"partner {side.name} {'restarts' if restart else 'hangs up'}")
        if restart:
            side.partner.restart()
            for watching in self._of(side):
                watching.undisturbed = False
        else:
            side.partner.edge.drops_connections()
        side.shaken |= {*DIRECTIONS}

    def switch_route(self, side: Side, enabled: bool) -> None:
        """The administrator switches the partner's route."""
        self.note("route switch", f"the route is switched {'on' if enabled else 'off'}")
        self.federation.sut.switch_route(side.partner.domain, enabled=enabled)
        side.enabled = enabled
        self._changed()

    def switch_static(self, enabled: bool) -> None:
        """The administrator switches static routes."""
        self.note("static routes switch", f"static routes are switched {'on' if enabled else 'off'}")
        self.federation.sut.switch_static_routes(enabled=enabled)
        self.static = enabled
        self._changed()

    def switch_open(self, enabled: bool) -> None:
        """The administrator switches open federation."""
        self.note("open federation switch", f"open federation is switched {'on' if enabled else 'off'}")
        self.federation.sut.switch_open_federation(enabled=enabled)
        self.open = enabled
        self._changed()

    def block(self, side: Side, blocked: bool) -> None:
        """The partner switches its federation off, or on again."""
        self.note("partner switch", f"partner {side.name} switches federation {'off' if blocked else 'on'}")
        side.partner.policy.allow_federated_users = not blocked
        side.blocked = blocked
        self._changed()

    def toggle(self, what: str) -> None:
        """Switch one of `TOGGLES` off, or on again."""
        direct, found = self.sides
        match what:
            case "route":
                self.switch_route(direct, not direct.enabled)
            case "static routes":
                self.switch_static(not self.static)
            case "open federation":
                self.switch_open(not self.open)
            case "partner route":
                self.block(direct, not direct.blocked)
            case "partner dns":
                self.block(found, not found.blocked)

    # -- the end ------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let everything come to rest with federation on, and look at what each watcher saw last.

        Whose subscription was disturbed subscribes again, as a refresh would; all others must be up to date as they
        are. There is no waiting for nothing: what is awaited is the state that was published last.
        """
        if not self.static:
            self.switch_static(True)
        if not self.open:
            self.switch_open(True)
        for side in self.sides:
            if not side.enabled:
                self.switch_route(side, True)
            if side.blocked:
                self.block(side, False)
        for watching in list(self._watches.values()):
            if not watching.undisturbed:
                self._subscribe_again(watching)
        for watching in self._watches.values():
            self._must_be_up_to_date(watching)
        for side in self.sides:
            self._must_work(side)

    def close(self) -> None:
        """End it; what nothing expected fails it."""
        left = self.federation.close()
        if left and self.failure is None:
            self.fail(" ".join(left))

    def fail(self, sentence: str) -> None:
        """Raise HistoryFailed with the history."""
        steps = "\n".join(f"{number:3}. {step}" for number, step in enumerate(self.steps, 1))
        self.failure = HistoryFailed(f"{sentence}\n\nWhat happened:\n{steps}\n\n{self.federation.ladder()}")
        raise self.failure

    # -- the model ----------------------------------------------------------------------------------------------

    def federates(self, side: Side) -> bool:
        """Whether server and partner are to exchange anything now (R31, R37, R39, F4.1)."""
        joined = (self.static and side.enabled) if side.routed else self.open
        return joined and not side.blocked

    def _judge(self, side: Side, direction: Direction, outcome: Outcome) -> None:
        if not self.federates(side):
            if outcome.delivered:
                self.fail(f"{outcome}, although the two do not federate now.")
        elif not outcome.delivered and direction not in side.shaken:
            self.fail(f"{outcome}, although the two federate and no connection has died.")
        elif not outcome.delivered and outcome.status is None and not outcome.reason.strip():
            self.fail(f"{outcome}, and the sender was told neither a status nor a reason.")
        if self.federates(side):
            side.shaken.discard(direction)

    def _changed(self) -> None:
        """Subscriptions that met a time without federation need not live on, nor do conversations."""
        for side in self.sides:
            if not self.federates(side):
                side.shaken |= {*DIRECTIONS}
                for watching in self._of(side):
                    watching.undisturbed = False

    def _must_be_up_to_date(self, watching: Watching) -> None:
        wanted = self._published.get(watching.presentity, Availability.AVAILABLE)
        try:
            while (last := watching.watch.last) is None or last.state is None or last.state.availability != wanted:
                watching.watch.expect(wanted)
        except ExpectationFailed as failure:
            self.fail(f"{watching.presentity} shows {wanted.value}, but the watcher is not told: {failure}")

    def _subscribe_again(self, watching: Watching) -> None:
        for direction in DIRECTIONS:
            for ours, theirs in itertools.product(OURS, THEIRS):
                watcher, presentity = self._pair(watching.side, direction, ours, theirs)
                if self._watches.get((watcher.uri, presentity.uri)) is watching:
                    self.watch(watching.side, direction, ours, theirs)
                    return

    def _must_work(self, side: Side) -> None:
        """A message each way, twice where the first may meet a connection that has died: the fence of all before."""
        for direction in DIRECTIONS:
            shaken = direction in side.shaken
            self.say(side, direction, OURS[0], THEIRS[0])
            if shaken:
                self.say(side, direction, OURS[0], THEIRS[0])

    def _of(self, side: Side) -> list[Watching]:
        return [watching for watching in self._watches.values() if watching.side is side]

    def _pair(self, side: Side, direction: Direction, ours: str, theirs: str) -> tuple[User, User]:
        pair = self._user(None, ours), self._user(side, theirs)
        return pair if direction == "to the partner" else (pair[1], pair[0])

    def _user(self, side: Side | None, name: str) -> User:
        return self.federation.sut.user(name) if side is None else side.partner.user(name)


def _word(outcome: Outcome) -> str:
    return "delivered" if outcome.delivered else f"failed ({outcome.status or outcome.phase})"


def machine(
    engine: Engine, *, on_end: Callable[[History], None] = lambda _history: None
) -> type[RuleBasedStateMachine]:
    """The state machine of hypothesis for histories on the server of this engine; `on_end` gets each that is over."""
    places = st.sampled_from((0, 1))
    directions = st.sampled_from(DIRECTIONS)
    our_users, their_users = st.sampled_from(OURS), st.sampled_from(THEIRS)

    class FederationMachine(RuleBasedStateMachine):
        history: History | None = None

        @initialize(personas=st.tuples(st.sampled_from(PERSONAS), st.sampled_from(PERSONAS)))
        def start(self, personas: tuple[str, str]) -> None:
            self.history = History(engine, personas)

        @property
        def here(self) -> History:
            assert self.history is not None
            return self.history

        @rule(place=places, direction=directions, ours=our_users, theirs=their_users)
        def say(self, place: int, direction: Direction, ours: str, theirs: str) -> None:
            self.here.say(self.here.sides[place], direction, ours, theirs)

        @rule(place=places, direction=directions, ours=our_users, theirs=their_users)
        def watch(self, place: int, direction: Direction, ours: str, theirs: str) -> None:
            self.here.watch(self.here.sides[place], direction, ours, theirs)

        @rule(name=our_users, availability=st.sampled_from(AVAILABILITIES))
        def publish_here(self, name: str, availability: Availability) -> None:
            self.here.publish(None, name, availability)

        @rule(place=places, name=their_users, availability=st.sampled_from(AVAILABILITIES))
        def publish_there(self, place: int, name: str, availability: Availability) -> None:
            self.here.publish(self.here.sides[place], name, availability)

        @rule(place=places, restart=st.booleans())
        def cut(self, place: int, restart: bool) -> None:
            self.here.cut(self.here.sides[place], restart=restart)

        @rule(what=st.sampled_from(TOGGLES))
        def toggle(self, what: str) -> None:
            self.here.toggle(what)

        def teardown(self) -> None:
            if self.history is not None:
                history, self.history = self.history, None
                try:
                    if history.failure is None:
                        history.settle()
                finally:
                    try:
                        history.close()
                    finally:
                        on_end(history)

    return FederationMachine
