"""Faults in the presence that the server shows and sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.connect_server.dialect import DIALECT
from tests.defects.frame import defect
from tests.defects.server import break_server


@defect(
    caught_by=("presence/partner-sees-user[open]", "presence/partner-sees-user[direct]", "presence/watching-ends"),
    also=("policy", "resilience"),
    says=("expected to see sip:alice@acme.test as busy",),
)
def tells_no_changes(patch: pytest.MonkeyPatch) -> None:
    """The server does not tell its watchers about changes."""
    from simulator.io.watches import Watches

    break_server(patch, Watches, "notify_all", lambda _sound, _self, _account: None)


@defect(
    caught_by=("presence/everybody-sees-the-one-they-watch",),
    also=("policy", "resilience", "dialogs"),
    says=("mixes up whose presence is whose: who watches sip:anna@acme.test was shown 'busy', which only sip:alice@",),
)
def swaps_two_users(patch: pytest.MonkeyPatch) -> None:
    """The server shows the state of another user to the watchers of the second one."""
    from simulator.io.watches import Watches

    def swapped(sound: Any, self: Any, account: Any) -> None:
        others = [other for other in self._agent.accounts.values() if other is not account]
        mine, account.state = account.state, others[0].state
        sound(self, account)
        account.state = mine

    break_server(patch, Watches, "notify_all", swapped)


@defect(caught_by=("presence/change-after-a-refresh",), says=("as busy",))
def forgets_a_subscription_on_refresh(patch: pytest.MonkeyPatch) -> None:
    """The server answers a refresh with 200 and forgets the subscription."""
    from simulator.io.watched import Watched

    def forgetful(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        sound(self, link, transaction, request)
        self._agent.watches.forget_watcher(self)

    break_server(patch, Watched, "on_request", forgetful)


@defect(
    caught_by=("presence/watching-ends", "presence/unsubscribing-is-confirmed[generic]"),
    also=("dialogs",),
    says=("must not have seen", "was to be terminated"),
)
def ignores_the_end_of_watching(patch: pytest.MonkeyPatch) -> None:
    """The server answers a SUBSCRIBE with Expires 0 and goes on notifying."""
    from simulator.io.watched import Watched

    def deaf(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        if request.expires == 0:
            self._agent.respond(link, transaction, 200, headers=[("Expires", "0")])
        else:
            sound(self, link, transaction, request)

    break_server(patch, Watched, "on_request", deaf)


@defect(caught_by=("presence/fetch[generic]", "presence/fetch-leaves-nothing-behind"), says=("must not have seen",))
def takes_a_fetch_for_a_subscription(patch: pytest.MonkeyPatch) -> None:
    """The server takes Expires 0 for a missing Expires, so that whoever asks once is notified for an hour."""
    from simulator.io.watches import Watches

    def generous(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        if request.expires == 0:
            request.headers.set("Expires", "3600")
        sound(self, link, transaction, request)

    break_server(patch, Watches, "on_subscribe", generous)


@defect(caught_by=("presence/watcher-that-lost-its-subscription",), says=("answered 481 4 times",))
def goes_on_after_481(patch: pytest.MonkeyPatch) -> None:
    """The server goes on notifying a watcher who answers that there is no such subscription."""
    from simulator.sip.notifier import NotifierUsage

    patch.setattr(NotifierUsage, "receive_response", lambda _self, _response: None)


@defect(caught_by=("presence/subscription-that-nobody-refreshes-runs-out",), says=("ran out long ago",))
def lets_no_subscription_run_out(patch: pytest.MonkeyPatch) -> None:
    """The server notifies a watcher who is gone for ever."""
    from simulator.io.watched import Watched

    break_server(patch, Watched, "_on_timeout", lambda _sound, _self: None)


@defect(
    caught_by=("presence/user-watches-for-long",),
    also=("resilience/*refresh*", "dialogs"),
    says=("no other one has come",),
)
def refreshes_nothing(patch: pytest.MonkeyPatch) -> None:
    """The server lets the subscriptions of its users run out."""
    from simulator.io.watching import Watching

    break_server(patch, Watching, "_on_timeout", lambda _sound, _self: None)


@defect(
    caught_by=("presence/granted-time[a-minute]", "presence/granted-time[ten-minutes]"),
    says=("grants 3600 s to a watcher who asked for 60 s",),
)
def grants_longer_than_asked(patch: pytest.MonkeyPatch) -> None:
    """The server grants every subscription an hour, also to who asks for a minute."""
    from simulator.io.watches import Watches

    def generous(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        if request.expires:
            request.headers.set("Expires", "3600")
        sound(self, link, transaction, request)

    break_server(patch, Watches, "on_subscribe", generous)


@defect(caught_by=("presence/user-is-asked-for-consent", "presence/user-denies-a-watcher"), says=("was to be pending",))
def asks_nobody(patch: pytest.MonkeyPatch) -> None:
    """The server shows its users to everybody, whatever they have decided."""
    from simulator.io.watches import Watches

    break_server(patch, Watches, "decision", lambda _sound, _self, _account, _watcher: "allow")


@defect(caught_by=("presence/notification-before-the-answer",), says=("as busy",))
def refuses_a_notification_before_the_answer(patch: pytest.MonkeyPatch) -> None:
    """The server answers 481 to a NOTIFY that overtakes the 200 to its SUBSCRIBE."""
    from simulator.io.watches import Watches

    break_server(patch, Watches, "waiting_for", lambda _sound, _self, _notify: None)


@defect(
    caught_by=("presence/accept-list[xpidf-alone]", "presence/accept-list[communicator-2007-without-pidf]"),
    also=("dialogs/subscription-that-is-not-taken",),
)
def ignores_accept(patch: pytest.MonkeyPatch) -> None:
    """The server writes PIDF to watchers who do not read it."""
    from simulator.io.watches import Watches

    def blind(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        request.headers.set("Accept", "application/pidf+xml")
        sound(self, link, transaction, request)

    break_server(patch, Watches, "on_subscribe", blind)


@defect(
    caught_by=("presence/state-of-a-partners-user[generic-busy]", "presence/state-of-a-partners-user[teams-off-work]"),
    also=("policy", "resilience", "routes/watch*"),
    says=("must see one of busy",),
)
def reads_only_open_and_closed(patch: pytest.MonkeyPatch) -> None:
    """The server reads no activities: whoever is busy or away is shown as available."""
    from simulator.connect_server import server
    from simulator.presence import GENERIC

    patch.setattr(server, "DIALECT", replace(DIALECT, presence_mapping=replace(GENERIC, pidf_implied={})))


@defect(
    caught_by=("presence/state-of-a-user[sfb-2019-busy]",), also=("policy", "resilience"), says=("but sees offline",)
)
def shows_busy_as_offline(patch: pytest.MonkeyPatch) -> None:
    """The server writes `closed` for a user who is busy."""
    from simulator.connect_server import server
    from simulator.presence import GENERIC, Availability

    closed = GENERIC.pidf_closed | {Availability.BUSY}
    patch.setattr(server, "DIALECT", replace(DIALECT, presence_mapping=replace(GENERIC, pidf_closed=closed)))


@defect(caught_by=("presence/partners-user-denies-later",), says=("after `rejected` the server subscribed",))
def subscribes_again_after_a_rejection(patch: pytest.MonkeyPatch) -> None:
    """The server subscribes again when a partner's user has denied the watcher."""
    from simulator.io.watching import Watching

    def stubborn(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        sound(self, link, transaction, request)
        if self.usage.reason == "rejected":
            self._agent.in_background(self._agent.watches.subscribe(self.account, [self.presentity]))

    break_server(patch, Watching, "on_request", stubborn)


@defect(
    caught_by=(
        "presence/updates-come-as-the-200-promised[with-extensions]",
        "presence/updates-come-as-the-200-promised[without-extensions]",
    ),
    also=("policy", "dialogs", "resilience"),
    says=("had not promised", "as busy"),
)
def sends_benotify_unasked(patch: pytest.MonkeyPatch) -> None:
    """The server sends updates as BENOTIFY, which its 200 did not promise."""
    from simulator.io.watches import Watches
    from simulator.sip.notifier import NotifierUsage
    from simulator.sip.options import SubscriptionOptions

    eager_ones: list[NotifierUsage] = []

    def eager(sound: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        usage = sound(self, *arguments, **named)
        usage.agreed = SubscriptionOptions(benotify=True)
        eager_ones.append(usage)
        return usage

    break_server(patch, Watches, "_grant", eager)
    tell = NotifierUsage._tell

    def tell_eagerly(self: Any, now: float) -> Any:
        if self in eager_ones:
            self.agreed = SubscriptionOptions(benotify=True)
        return tell(self, now)

    patch.setattr(NotifierUsage, "_tell", tell_eagerly)


@defect(caught_by=("presence/user-stops-watching",))
def stops_watching_in_secret(patch: pytest.MonkeyPatch) -> None:
    """The server tells no partner that its user watches no more."""
    from simulator.io.watches import Watches
    from simulator.outcome import Outcome

    async def silent(_sound: Any, self: Any, account: Any, presentity: Any) -> Outcome:
        self.lose(account, presentity)
        return Outcome(True, 200, "OK", "subscribe")

    break_server(patch, Watches, "unsubscribe", silent)


@defect(
    caught_by=("presence/refused-subscription[unknown-user]", "policy/presence-with-lists-that-refuse[blocked]"),
    also=("policy", "resilience"),
    says=("Expected a failure with status 404",),
)
def hides_refused_subscriptions(patch: pytest.MonkeyPatch) -> None:
    """The server tells no user that a partner has refused the subscription."""
    from simulator.io.watches import Watches

    async def optimistic(sound: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        return replace(await sound(self, *arguments, **named), delivered=True)

    break_server(patch, Watches, "subscribe", optimistic)
