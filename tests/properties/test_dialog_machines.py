"""Sessions and subscriptions of two ends, whatever happens: the rules of RFC 3261 §12 to §15, RFC 4028, RFC 6665.

The rules are stated here by what goes over the wire; messages are carried one direction at a time, so that they cross.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator.errors import LocalProtocolError
from simulator.sip.invite import SessionState
from simulator.sip.message import Request, Response, parse
from simulator.sip.notifier import NotifierUsage
from simulator.sip.options import SubscriptionOptions
from simulator.sip.session_timer import SessionTimer
from simulator.sip.subscriber import SubscriberUsage
from simulator.sip.subscription_terms import SubscriptionPhase, too_brief
from tests.sip.phones import ALLOW, BOB, SDP, Line, Phone
from tests.sip.wire import Calls, End, Pair

PATIENCE = 32.0
TALKING = (SessionState.ACCEPTED, SessionState.ESTABLISHED)
session_timers = st.sampled_from(
    [None, SessionTimer(120), SessionTimer(600, 300), SessionTimer(200, method="INVITE"), SessionTimer(200, 90, True)]
)


class FrailPair(Pair):
    """Two connections whose wire can be cut without either noticing."""

    cut = False

    def flow(self, *, chunk: int = 100_000) -> None:
        if self.cut:
            for end in (self.alice, self.bob):
                end.drain()
                end.connection.data_to_send()
        else:
            super().flow(chunk=chunk)


class Sessions(RuleBasedStateMachine):
    """A call of alice to bob."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = FrailPair()
        self.frail = False
        self.accepted_at = 0.0

    @initialize(
        alice=session_timers,
        bob=session_timers,
        begun=st.sampled_from(["called", "ringing", "accepted", "established", "established", "established"]),
        frail=st.sampled_from([False, False, False, True]),
    )
    def call(self, alice: SessionTimer | None, bob: SessionTimer | None, begun: str, frail: bool) -> None:
        self.frail = frail
        self.line = Line(self.pair, Calls(), alice=alice, bob=bob)
        self.line.alice.call(self.line.calls.request("INVITE", body="v=0 alice", Allow=ALLOW[1]))
        if begun != "called":
            self.line.run()
            self.answer("ring" if begun == "ringing" else "accept")
        if begun in ("ringing", "established"):
            self.line.run()

    def phone(self, who: Literal["alice", "bob"]) -> Phone:
        return self.line.alice if who == "alice" else self.line.bob

    def state(self, who: Literal["alice", "bob"]) -> SessionState | None:
        session = self.phone(who).session
        return None if session is None else session.state

    @rule(who=st.sampled_from(["alice", "bob"]))
    def carry(self, who: Literal["alice", "bob"]) -> None:
        """What this one has sent so far reaches the other, who reacts."""
        phone, other = (self.line.alice, self.line.bob) if who == "alice" else (self.line.bob, self.line.alice)
        phone.end.drain()
        data = phone.end.connection.data_to_send()
        if data and not self.pair.cut:
            other.end.connection.receive_data(data, self.pair.now)
            other.end.drain()
        other.work()
        phone.work()

    @rule(how=st.sampled_from(["ring", "accept", "accept", "accept", "reject"]))
    def answer(self, how: str) -> None:
        if self.state("bob") not in (SessionState.INVITED, SessionState.RINGING):
            return
        bob = self.line.bob
        if how == "ring":
            bob.send(bob.talk.ring(headers=BOB))
        elif how == "accept":
            self.accepted_at = self.pair.now
            bob.send(bob.talk.accept(self.pair.now, headers=BOB, body=b"v=0 bob", content_type=SDP))
        else:
            bob.send(bob.talk.reject(486))

    @precondition(lambda self: self.state("alice") in (SessionState.INVITED, SessionState.RINGING))
    @rule(really=st.booleans())
    def cancel(self, really: bool) -> None:
        if really:
            self.line.alice.cancel()

    @rule(who=st.sampled_from(["alice", "bob"]), chance=st.integers(0, 5))
    def bye(self, who: Literal["alice", "bob"], chance: int) -> None:
        if chance == 5 and self.state(who) in (*TALKING, SessionState.ENDING):
            self.phone(who).send(*self.phone(who).talk.bye(self.pair.now))

    @precondition(lambda self: {self.state("alice"), self.state("bob")} == {SessionState.ESTABLISHED})
    @rule(method=st.sampled_from(["INVITE", "UPDATE"]), other=st.sampled_from(["INVITE", "UPDATE"]))
    def both_want_a_change(self, method: str, other: str) -> None:
        self.say("alice", method, True)
        self.say("bob", other, True)

    @rule(
        who=st.sampled_from(["alice", "bob"]),
        method=st.sampled_from(["MESSAGE", "INVITE", "UPDATE"]),
        offer=st.booleans(),
    )
    def say(self, who: Literal["alice", "bob"], method: str, offer: bool) -> None:
        if self.state(who) not in TALKING:
            return
        phone = self.phone(who)
        body = b"v=0 of " + who.encode() if offer else b""
        try:
            request = phone.talk.request(method, body=body, content_type=SDP if body else None)
        except LocalProtocolError:
            assert method != "MESSAGE"
            return
        phone.send(request)

    @rule(seconds=st.sampled_from([0.0, 0.5, 0.5, 3.0, 3.0, 31.0, 33.0]))
    def wait(self, seconds: float) -> None:
        """Everything is carried, and time passes."""
        self.line.advance(seconds)

    @precondition(lambda self: not self.pair.cut)
    @rule(seconds=st.sampled_from([200.0, 700.0]))
    def wait_long(self, seconds: float) -> None:
        """A session that lives when all has settled goes on, because somebody refreshes it."""
        self.line.advance(70)
        settled = self.state("alice"), self.state("bob")
        self.line.advance(seconds)
        if settled == (SessionState.ESTABLISHED, SessionState.ESTABLISHED):
            assert (self.state("alice"), self.state("bob")) == settled

    @precondition(lambda self: self.frail and not self.pair.cut)
    @rule(chance=st.integers(0, 3))
    def cut(self, chance: int) -> None:
        self.pair.cut = chance == 3

    # What must hold, seen from the wire

    @property
    def ends(self) -> tuple[End, End]:
        return self.pair.alice, self.pair.bob

    @invariant()
    def numbers_rise(self) -> None:
        for end in self.ends:
            numbers = [
                message.cseq.number
                for way, message in end.seen
                if way == "out" and isinstance(message, Request) and message.method not in ("ACK", "CANCEL")
            ]
            assert all(before < after for before, after in pairwise(numbers)), numbers

    @invariant()
    def a_request_has_one_final_response(self) -> None:
        for end in self.ends:
            finals: dict[tuple[str | None, str], list[bytes]] = {}
            for way, message in end.seen:
                if way == "out" and isinstance(message, Response) and message.status >= 200:
                    finals.setdefault((message.top_via.branch, message.cseq.method), []).append(bytes(message))
            for (_, method), sent in finals.items():
                assert len(set(sent)) == 1
                assert len(sent) == 1 or (method == "INVITE" and sent[0].startswith(b"SIP/2.0 2"))

    @invariant()
    def an_ack_follows_the_final_response_that_it_is_for(self) -> None:
        for end in self.ends:
            answered = set()
            for way, message in end.seen:
                if way == "in" and isinstance(message, Response) and message.status >= 200:
                    answered.add(message.cseq)
                elif way == "out" and isinstance(message, Request) and message.method == "ACK":
                    assert (message.cseq.number, "INVITE") in answered

    @invariant()
    def after_a_bye_nothing_is_asked_any_more(self) -> None:
        for end in self.ends:
            over = False
            for way, message in end.seen:
                if not isinstance(message, Request):
                    continue
                if way == "out" and message.method != "ACK":
                    assert not over, message
                over = over or message.method == "BYE"

    @invariant()
    def the_callee_says_bye_only_after_the_ack_or_after_waiting_for_it(self) -> None:
        acknowledged = False
        for way, message in self.pair.bob.seen:
            if isinstance(message, Request) and message.cseq.number <= 2:
                acknowledged = acknowledged or (way == "in" and message.method == "ACK")
            if way == "out" and isinstance(message, Request) and message.method == "BYE":
                assert acknowledged or self.pair.now >= self.accepted_at + PATIENCE

    @invariant()
    def nobody_agrees_to_an_offer_while_an_invite_of_ones_own_is_open(self) -> None:
        for end in self.ends:
            opened: set[int] = set()
            for way, message in end.seen:
                method, number = message.cseq.method, message.cseq.number
                if isinstance(message, Request):
                    if way == "out" and method == "INVITE":
                        assert not opened, "a second INVITE of ours"
                        opened.add(number)
                elif way == "in" and method == "INVITE" and message.status >= 200:
                    opened.discard(number)
                elif way == "out" and message.status < 300 and message.body:
                    assert not opened, message

    @invariant()
    def who_keeps_a_session_timer_is_not_late(self) -> None:
        for phone in (self.line.alice, self.line.bob):
            if phone.session is not None and (at := phone.session.next_timeout()) is not None:
                assert at >= self.pair.now or phone.talk.state in TALKING

    def teardown(self) -> None:
        """However it went: it can be ended, and nothing is left of it."""
        if not hasattr(self, "line"):
            return
        line = self.line
        if self.frail:
            self.pair.cut = True
            self._without_wire()
        line.advance(70)
        if self.state("alice") in (SessionState.INVITED, SessionState.RINGING):
            line.alice.cancel()
        if self.state("bob") in (SessionState.INVITED, SessionState.RINGING):
            line.bob.send(line.bob.talk.reject(480))
        for phone in (line.alice, line.bob):
            if phone.session is not None and phone.talk.state in TALKING:
                phone.send(*phone.talk.bye(self.pair.now))
        line.advance(200)
        for phone in (line.alice, line.bob):
            if phone.session is not None:
                assert phone.talk.ended
                assert phone.talk.ended_because
                assert phone.talk.next_timeout() is None
            assert phone.end.connection.open_transactions == 0
            assert phone.end.connection.next_timeout() is None

    def _without_wire(self) -> None:
        """Whoever keeps a session timer notices in time that the other is gone."""
        intervals = {}
        for phone in (self.line.alice, self.line.bob):
            clock = None if phone.session is None else phone.session.clock
            if clock is not None and clock.interval is not None:
                intervals[phone] = clock.interval
        for phone, interval in sorted(intervals.items(), key=lambda item: item[1]):
            self.line.advance(interval)
            assert phone.talk.state not in TALKING


@given(alice=session_timers, bob=session_timers, quiet=st.integers(0, 700), allows=st.booleans())
def test_a_session_lives_as_long_as_its_wire_and_not_much_longer(
    alice: SessionTimer | None, bob: SessionTimer | None, quiet: int, allows: bool
) -> None:
    """RFC 4028 §10: who keeps a session timer says BYE before the interval since the last refresh is over."""
    pair = FrailPair()
    line = Line(pair, Calls(), alice=alice, bob=bob)
    line.ring(**({"Allow": ALLOW[1]} if allows else {}))
    if line.bob.talk.ended:
        return
    line.bob.send(line.bob.talk.accept(pair.now, headers=BOB, body=b"v=0 bob", content_type=SDP))
    line.advance(quiet)
    assert line.states() == (SessionState.ESTABLISHED, SessionState.ESTABLISHED)
    clocks = {phone: phone.talk.clock for phone in (line.alice, line.bob)}
    intervals = {phone: clock.interval for phone, clock in clocks.items() if clock is not None and clock.interval}
    pair.cut = True
    start = pair.now
    for phone in sorted(intervals, key=lambda phone: intervals[phone] or 0):
        line.advance(start + (intervals[phone] or 0) - pair.now)
        byes = [message for way, message in phone.end.seen if way == "out" and message.start_line.startswith("BYE")]
        assert len(byes) == 1
        assert phone.talk.state not in TALKING
    for phone in (line.alice, line.bob):
        assert phone in intervals or phone.talk.state is SessionState.ESTABLISHED


class Subscriptions(RuleBasedStateMachine):
    """A subscription of alice to bob, message by message."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.to_bob: deque[bytes] = deque()
        self.to_alice: deque[bytes] = deque()
        self.subscribes: list[Request] = []
        self.notifies: list[Request] = []
        self.refused_notify = False
        "alice refused a notification in a way that ends the subscription for bob."
        self.bobs_end: float | None = None
        "When bob's side has to be over, by what he granted and told."
        self.alices_end: float | None = None
        self.notifier: NotifierUsage | None = None
        self.heard = False

    @initialize(
        expires=st.sampled_from([None, 0, 60, 600]),
        theirs=st.builds(SubscriptionOptions, st.booleans(), st.booleans(), st.booleans()),
        ours=st.builds(SubscriptionOptions, st.booleans(), st.booleans(), st.booleans()),
        pending=st.booleans(),
        minimum=st.sampled_from([0, 0, 300]),
        begun=st.sampled_from([True, True, False]),
    )
    def subscribe(
        self,
        expires: int | None,
        theirs: SubscriptionOptions,
        ours: SubscriptionOptions,
        pending: bool,
        minimum: int,
        begun: bool,
    ) -> None:
        self.ours, self.pending, self.minimum = ours, pending, minimum
        more = {} if expires is None else {"Expires": str(expires)}
        request = Calls().request("SUBSCRIBE", Event="presence", **more)
        self.started = self.now
        self.subscriber = SubscriberUsage(request, self.now, options=theirs)
        self.asked(self.subscriber.subscribe)
        if begun:
            self.settle()

    def asked(self, *requests: Request) -> None:
        for request in requests:
            self.subscribes.append(request)
            self.to_bob.append(over_the_wire(request))

    def notified(self, *requests: Request) -> None:
        """bob sends notifications; with autoextend each starts his time anew."""
        assert self.notifier is not None
        for request in requests:
            self.notifies.append(request)
            self.to_alice.append(over_the_wire(request))
            if self.notifier.agreed.autoextend and self.bobs_end is not None:
                self.bobs_end = self.now + self.granted

    def answered(self, response: Response) -> None:
        assert self.notifier is not None
        self.to_alice.append(bytes(response))
        if response.status == 200:
            assert response.expires is not None
            self.granted = response.expires
            self.bobs_end = self.now + self.granted

    @precondition(lambda self: self.to_bob)
    @rule()
    def bob_receives(self) -> None:
        message = parse(self.to_bob.popleft())
        if isinstance(message, Response):
            if self.notifier is not None:
                self.notifier.receive_response(message)
            return
        if self.notifier is None:
            brief = too_brief(message, self.minimum)
            if brief is not None:
                self.to_alice.append(bytes(brief))
                return
            self.notifier = NotifierUsage.accept(
                message,
                self.now,
                contact="<sip:bob@bob.test>",
                body=b"<a/>",
                content_type="application/pidf+xml",
                pending=self.pending,
                options=self.ours,
                min_expires=self.minimum,
            )
            self.answered(self.notifier.response)
            self.notified(*self.notifier.notify(self.now))
            return
        response, notifies = self.notifier.receive_subscribe(message, self.now)
        self.answered(response)
        self.notified(*notifies)

    @precondition(lambda self: self.to_alice)
    @rule()
    def alice_receives(self) -> None:
        message = parse(self.to_alice.popleft())
        alive = not self.subscriber.ended
        if isinstance(message, Response):
            self.asked(*self.subscriber.receive_response(message, self.now))
            if message.status == 200 and message.expires is not None:
                self.alices_end = self.now + message.expires
            if "ms-piggyback-cseq" in message.headers and self.subscriber.options.piggyback:
                self.heard = True
            return
        if message.method == "BENOTIFY":
            assert self.subscriber.options.benotify
            assert self.subscriber.receive_benotify(message, self.now) == alive
        else:
            response = self.subscriber.receive_notify(message, self.now)
            assert response.status == (200 if alive else 481), "notifications come in order"
            self.refused_notify = self.refused_notify or not alive
            self.to_bob.append(bytes(response))
        if alive:
            self.heard = True
            said = message.subscription_state
            assert said is not None
            assert self.subscriber.ended == (said.state == "terminated")
            if said.expires is not None:
                self.alices_end = self.now + said.expires

    @precondition(lambda self: self.notifier is not None)
    @rule(
        what=st.sampled_from(["publish", "publish", "publish", "publish", "authorize", "terminate"]),
        wait=st.sampled_from([None, 30]),
    )
    def bob_acts(self, what: str, wait: int | None) -> None:
        assert self.notifier is not None
        if what == "publish":
            self.notified(*self.notifier.publish(b"<b/>", "application/pidf+xml", self.now))
        elif what == "authorize":
            self.notified(*self.notifier.authorize(self.now))
        else:
            self.notified(*self.notifier.terminate("probation", retry_after=wait))

    @rule(what=st.sampled_from(["refresh", "refresh", "refresh", "refresh", "unsubscribe"]))
    def alice_acts(self, what: str) -> None:
        if what == "refresh":
            self.asked(*self.subscriber.refresh())
        else:
            self.asked(*self.subscriber.unsubscribe(self.now))

    @rule(seconds=st.sampled_from([1.0, 1.0, 10.0, 10.0, 31.0, 59.0, 300.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, and nothing is carried meanwhile."""
        end = self.now + seconds
        while True:
            moments = [self.subscriber.next_timeout(), None if self.notifier is None else self.notifier.next_timeout()]
            at = min((moment for moment in moments if moment is not None), default=end)
            if at > end or not any(moments):
                break
            self.now = max(self.now, at)
            self.asked(*self.subscriber.handle_timeout(self.now))
            if self.notifier is not None:
                self.notified(*self.notifier.handle_timeout(self.now))
        self.now = end

    @rule()
    def settle(self) -> None:
        while self.to_alice or self.to_bob:
            if self.to_bob:
                self.bob_receives()
            if self.to_alice:
                self.alice_receives()

    # What must hold

    @invariant()
    def numbers_rise(self) -> None:
        for requests in (self.subscribes, self.notifies):
            numbers = [request.cseq.number for request in requests]
            assert all(before < after for before, after in pairwise(numbers)), numbers
        if self.notifier is not None and self.notifier.agreed.piggyback and self.notifies:
            assert self.notifies[0].cseq.number > 1

    @invariant()
    def the_last_notification_is_the_only_one_that_says_so(self) -> None:
        words = [state.state for request in self.notifies if (state := request.subscription_state) is not None]
        assert len(words) == len(self.notifies)
        assert "terminated" not in words[:-1]
        if self.notifier is not None and words and words[-1] == "terminated":
            assert self.notifier.ended
            assert self.notifier.next_timeout() is None

    @invariant()
    def who_is_pending_sees_nothing_and_nobody_is_pending_again(self) -> None:
        words = []
        for request in self.notifies:
            said = request.subscription_state
            assert said is not None
            words.append(said.state)
            if said.state == "pending":
                assert request.body == b""
        assert words == sorted(words, key=["pending", "active", "terminated"].index)

    @invariant()
    def nobody_is_told_a_time_that_was_not_granted(self) -> None:
        for request in self.notifies:
            said = request.subscription_state
            assert said is not None
            assert (said.expires is None) == (said.state == "terminated")
            assert said.expires is None or 0 <= said.expires <= 3600

    @invariant()
    def only_who_asked_for_it_gets_benotify_and_never_as_the_first(self) -> None:
        methods = [request.method for request in self.notifies]
        if self.notifier is not None and not self.notifier.agreed.benotify:
            assert set(methods) <= {"NOTIFY"}
        if self.notifier is not None and methods and not self.notifier.agreed.piggyback:
            assert methods[0] == "NOTIFY"

    @invariant()
    def no_side_outlives_what_was_agreed(self) -> None:
        if self.notifier is not None and self.bobs_end is not None and not self.notifier.ended:
            assert self.notifier.expires_at == self.bobs_end
            assert self.now <= self.bobs_end
        if self.alices_end is not None and not self.subscriber.ended:
            unsubscribing = self.subscribes[-1].expires == 0
            assert self.now <= self.alices_end or unsubscribing
        if not self.heard and not self.subscriber.ended:
            assert self.now <= self.started + PATIENCE, "timer N"

    @invariant()
    def one_subscribe_is_open_at_a_time(self) -> None:
        waiting = [parse(data) for data in (*self.to_bob, *self.to_alice)]
        numbers = {message.cseq.number for message in waiting if message.cseq.method == "SUBSCRIBE"}
        assert len(numbers) <= (1 if self.subscribes[-1].expires != 0 else 2)

    def teardown(self) -> None:
        """However it went: it ends on both sides, with one last word, unless alice was gone before."""
        if not hasattr(self, "subscriber"):
            return
        self.settle()
        self.alice_acts("unsubscribe")
        self.settle()
        self.wait(3_700.0)
        self.settle()
        assert self.subscriber.ended
        assert self.subscriber.ended_because
        assert self.subscriber.next_timeout() is None
        if self.notifier is not None:
            assert self.notifier.state is SubscriptionPhase.TERMINATED
            assert self.notifier.ended_because
            said = [*self.notifies, self.notifier.response]
            last_words = [
                state for message in said if (state := message.subscription_state) and state.state == "terminated"
            ]
            assert len(last_words) == 1 or self.refused_notify
            assert len(last_words) <= 1


def over_the_wire(request: Request) -> bytes:
    copy = request.copy()
    copy.headers.prepend("Via", f"SIP/2.0/TLS peer.test:5061;branch=z9hG4bK{request.method}{request.cseq.number}")
    return bytes(copy)


TestSessions = Sessions.TestCase
TestSubscriptions = Subscriptions.TestCase
TestSessions.settings = settings(TestSessions.settings, max_examples=settings().max_examples // 2)
