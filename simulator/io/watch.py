"""A presence subscription as a test holds it: what it shows, and the state it is in."""

from __future__ import annotations

from simulator.errors import ConfigurationError, ExpectationFailed, LocalProtocolError, Problem
from simulator.io.account import Account, PresenceSeen, SubscriptionSeen
from simulator.io.actions import UserActions
from simulator.io.conversation import DEADLINE, client
from simulator.io.loop import LoopThread
from simulator.io.misses import nearest_state, unlike
from simulator.outcome import Outcome
from simulator.presence import teams
from simulator.presence.state import Availability, PresenceState


class Watch:
    """A presence subscription of a user to one other."""

    def __init__(
        self,
        loop: LoopThread,
        agent: UserActions,
        account: Account,
        presentity: str,
        outcome: Outcome,
        subscribed_to: str = "",
    ) -> None:
        """`subscribed_to` is whom the SUBSCRIBE went to, where one stands for several people."""
        self._loop = loop
        self._agent = agent
        self._account = account
        self._presentity = presentity
        self._subscribed_to = subscribed_to or presentity
        self.outcome = outcome
        "What became of the SUBSCRIBE."

    def expect(
        self,
        availability: Availability | str | None = None,
        *,
        activity: str | None = None,
        note: str | None = None,
        display_name: str | None = None,
        came_by: str | None = None,
        within: float = DEADLINE,
    ) -> PresenceSeen:
        """The next notification that shows this state; ExpectationFailed after `within` seconds.

        What is left out may be anything; an empty activity, note or name means that there must be none. `came_by` is
        `NOTIFY`, `BENOTIFY` or, for the state in the 200, `SUBSCRIBE`.
        """
        self.outcome.must_succeed()
        given = {"activity": activity, "note": note, "display_name": display_name}
        wanted: dict[str, object] = {name: value for name, value in given.items() if value is not None}
        if availability is not None:
            wanted = {"availability": word_of(availability), **wanted}

        def fits(seen: PresenceSeen) -> bool:
            if seen.presentity != self._presentity or seen.state is None:
                return False
            return not unlike(wanted, seen.state) and came_by in (None, seen.came_by)

        found = self._loop.run(self._account.seen.take(fits, within=within))
        if found is None:
            words = ", ".join(f"{name} {str(value)!r}" for name, value in wanted.items() if name != "availability")
            what = f"as {wanted['availability']}" if availability is not None else "in some state"
            what += (f" with {words}" if words else "") + (f" by {came_by}" if came_by else "")
            mine = [seen for seen in self._account.seen if seen.presentity == self._presentity]
            raise ExpectationFailed(
                f"{self._account.uri} expected to see {self._presentity} {what} "
                f"within {within:g} s; {nearest_state(wanted, mine)}."
            )
        return found

    def expect_state(self, state: str, *, reason: str | None = None, within: float = DEADLINE) -> SubscriptionSeen:
        """The subscription comes to `pending`, `active` or `terminated`, the last with this reason; ExpectationFailed
        after `within` seconds."""
        if state not in ("pending", "active", "terminated"):
            raise ConfigurationError([Problem("expect_state", f"{state!r} is none of pending, active, terminated")])

        def fits(seen: SubscriptionSeen) -> bool:
            return (
                seen.presentity == self._subscribed_to
                and seen.state == state
                and (reason is None or seen.reason == reason)
            )

        found = self._loop.run(self._account.subscriptions.take(fits, within=within))
        if found is None:
            mine = [seen for seen in self._account.subscriptions if seen.presentity == self._subscribed_to]
            path = ", then ".join(f"{one.state} ({one.reason})" if one.reason else one.state for one in mine)
            because = f" because of {reason!r}" if reason else ""
            raise ExpectationFailed(
                f"The subscription of {self._account.uri} to {self._subscribed_to} was to be {state}{because} within "
                f"{within:g} s; it was {path or 'never answered'}, and {self.outcome}."
            )
        return found

    @property
    def last(self) -> PresenceSeen | None:
        """The last notification with a state so far; nothing is taken by that."""
        seen = [one for one in self._account.seen if one.presentity == self._presentity and one.state is not None]
        return seen[-1] if seen else None

    @property
    def shown(self) -> tuple[Availability, ...]:
        """Every availability that notifications have shown so far, in order; nothing is taken by that."""
        seen = [one.state for one in self._account.seen if one.presentity == self._presentity]
        return tuple(state.availability for state in seen if state is not None)

    def must_not_have_seen(self, availability: Availability | str) -> None:
        """Fail when a notification with this state came; meaningful after a later exchange has come back."""
        unwanted = word_of(availability)
        for seen in self._account.seen:
            if seen.presentity == self._presentity and seen.state and seen.state.availability is unwanted:
                raise ExpectationFailed(
                    f"{self._account.uri} must not have seen {self._presentity} as {unwanted.value}, but did."
                )

    def refresh(self) -> Outcome:
        """Subscribe once more in the same dialog, before it is due (RFC 6665 §4.1.2.2), and wait for the answer. The
        server must notify after it, which `expect` waits for."""
        return self._loop.run(client(self._agent, "refresh()").refresh_watch(self._account, self._subscribed_to))

    def forget(self) -> None:
        """Lose the subscription without a word, as a client that crashed; what still comes in it is answered 481."""
        agent = client(self._agent, "forget()")
        self._loop.call(agent.forget_watch, self._account, self._subscribed_to)

    def stop(self) -> Outcome:
        """Unsubscribe (RFC 6665 §4.1.2.3) and wait for the answer."""
        return self._loop.run(self._agent.unwatch(self._account, self._subscribed_to))


def word_of(availability: Availability | str) -> Availability:
    """The availability of this name; ConfigurationError with the known names where there is none."""
    try:
        return Availability(availability)
    except ValueError:
        known = ", ".join(Availability)
        message = f"there is no {availability!r}; there are: {known}"
        raise ConfigurationError([Problem("availability", message)]) from None


def state_of(
    availability: Availability | str,
    activity: str | None = None,
    note: str | None = None,
    display_name: str | None = None,
) -> PresenceState:
    """A state as a test names it: an availability, or one of Teams' own states such as `On a call`."""
    shown = next((one for one in teams.TeamsState if one.value == availability), None)
    try:
        if shown is None:
            return PresenceState(word_of(availability), activity, note, display_name=display_name)
        known = teams.as_state(shown)
        return PresenceState(
            known.availability, activity or known.activity, note or known.note, display_name=display_name
        )
    except LocalProtocolError as error:
        raise ConfigurationError([Problem("presence", str(error))]) from error
