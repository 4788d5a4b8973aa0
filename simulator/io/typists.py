"""Who is typing to our users, as far as they last said: a sign of typing does not hold for ever (RFC 3994 §3.3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from simulator.chat.composing import Composing
from simulator.chat.typing_state import TypingWatcher
from simulator.io.account import Account, TypingSeen
from simulator.io.timers import Alarm

if TYPE_CHECKING:
    from simulator.io.user_agent import UserAgent

SILENCE = "silence"
"How a user is told that somebody has stopped who did not say so."


class Typists:
    """Everybody who types to a user of one user agent."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._active: dict[tuple[str, str], tuple[TypingWatcher, Alarm]] = {}

    def receive(self, account: Account, sender: str, composing: Composing, came_by: str) -> None:
        """Somebody said that they type, or have stopped; whoever types counts as idle when nothing follows in time."""
        now, pair = self._agent.now, (account.uri, sender)
        account.typing.put(TypingSeen(sender, composing.active, came_by, now))
        if pair not in self._active:
            alarm = Alarm(self._agent.timers, partial(self._on_silence, account, sender))
            self._active[pair] = TypingWatcher(self._agent.dialect.typing), alarm
        watcher, alarm = self._active[pair]
        watcher.receive(composing, now)
        alarm.set(watcher.next_timeout())
        if not watcher.active:
            del self._active[pair]

    def message(self, account: Account, sender: str) -> None:
        """A message came, which ends its sender's typing."""
        if self._active and (typist := self._active.pop((account.uri, sender), None)) is not None:
            typist[1].set(None)

    def close(self) -> None:
        """Forget everybody."""
        for _, alarm in self._active.values():
            alarm.set(None)
        self._active.clear()

    def _on_silence(self, account: Account, sender: str) -> None:
        del self._active[account.uri, sender]
        account.typing.put(TypingSeen(sender, False, SILENCE, self._agent.now))
