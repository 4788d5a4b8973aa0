"""Do what a topology is for, and compare what becomes of it with what the oracle says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulator.errors import ExpectationFailed, SipfedError
from simulator.exploration.building import Built
from simulator.federation import Engine, Federation
from simulator.io.watch import Watch
from simulator.oracle import ACTIONS, Action, Prediction, Topology, predict
from simulator.outcome import Outcome

NEEDS: Final[dict[Action, str]] = {
    "message to the partner": "chat",
    "watch at the partner": "presence",
    "message from the partner": "receive",
    "watch from the partner": "show-presence",
}
"The capability that each action takes."
TO, FROM = "to the partner", "from the partner"


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a topology."""

    topology: Topology
    "What was built."
    prediction: Prediction
    "What the oracle says, with the names that it really had."
    outcomes: dict[Action, Outcome]
    "What happened, for each action that the server's capabilities allow."
    differences: tuple[str, ...]
    "A sentence for each point in which they differ; empty when all is well."
    ladder: str
    "The evidence, where they differ."


class Disagreement(SipfedError):
    """The server does something else than the requirements say."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        super().__init__(explain(trial))


def explain(trial: Trial) -> str:
    """The whole of a disagreement as text: the topology, what differs, what was predicted, and the ladder."""
    differences = "\n".join(f"- {difference}" for difference in trial.differences)
    return (
        f"The server and the requirements disagree in {trial.topology}\n\n{differences}\n\n"
        f"Predicted:\n{trial.prediction}\n\n{trial.ladder}"
    )


def attempt(engine: Engine, topology: Topology) -> Trial:
    """Build the topology, send a message and watch in both directions, and compare; everything is undone then."""
    federation = Federation(engine)
    built: Built | None = None
    ladder = ""
    try:
        built = Built(federation, topology)
        prediction = predict(topology, built.names)
        outcomes, watches = _act(built)
        differences = [*_compare(prediction, outcomes), *_arrivals(built, outcomes), *_seen(prediction, watches)]
        if not prediction.may_connect and _was_dialled(built):
            why = prediction.actions["message to the partner"].reason
            differences.append(f"The server connected to the partner's edge, and must not: {why}")
        if differences:
            ladder = federation.ladder()
    finally:
        if built is not None:
            built.close()
        left = federation.close()
    if left and not differences:
        ladder = federation.ladder()
    return Trial(topology, prediction, outcomes, (*differences, *left), ladder)


def check(engine: Engine, topology: Topology) -> Trial:
    """The same; Disagreement when something differs."""
    trial = attempt(engine, topology)
    if trial.differences:
        raise Disagreement(trial)
    return trial


def _act(built: Built) -> tuple[dict[Action, Outcome], dict[Action, Watch]]:
    user = built.server.user(built.topology.user)
    bob, ben = (built.partner.user(name) for name in ("bob", "ben"))
    watches: dict[Action, Watch] = {}

    def watching(action: Action, watch: Callable[[], Watch]) -> Outcome:
        watches[action] = watch()
        return watches[action].outcome

    acts: dict[Action, Callable[[], Outcome]] = {
        "message to the partner": lambda: user.chat_with(ben).say(TO),
        "watch at the partner": lambda: watching("watch at the partner", lambda: user.watch(ben)),
        "message from the partner": lambda: bob.chat_with(user).say(FROM),
        "watch from the partner": lambda: watching("watch from the partner", lambda: bob.watch(user)),
    }
    can = built.server.capabilities
    return {action: acts[action]() for action in ACTIONS if NEEDS[action] in can}, watches


def _compare(prediction: Prediction, outcomes: dict[Action, Outcome]) -> list[str]:
    found = []
    for action, outcome in outcomes.items():
        expected = prediction.actions[action]
        if ("delivered" if outcome.delivered else "failed") not in expected.outcomes:
            found.append(f"{action}: {outcome}, but it must be {expected}.")
        elif not outcome.delivered and outcome.status is None and not outcome.reason.strip():
            found.append(f"{action}: it failed, and the sender was told neither a status nor a reason.")
    return found


def _arrivals(built: Built, outcomes: dict[Action, Outcome]) -> list[str]:
    """Each message came once, or not at all when its sender was told so.

    The subscription that follows on the same connection has its answer by now, so that nothing is under way any more.
    """
    found = []
    arrived = {TO: built.partner.user("ben").messages}
    if "observe-inbox" in built.server.capabilities:
        arrived[FROM] = built.server.user(built.topology.user).messages
    for text, messages in arrived.items():
        outcome = outcomes.get("message to the partner" if text == TO else "message from the partner")
        if outcome is None:
            continue
        wanted = [text] if outcome.delivered else []
        came = [message.text for message in messages]
        if came != wanted:
            told = "delivered" if outcome.delivered else "not delivered"
            found.append(f"The message {text!r} was {told}, says its sender; what came is {came or 'nothing'}.")
    return found


def _seen(prediction: Prediction, watches: dict[Action, Watch]) -> list[str]:
    """A watcher gets a state, where both directions are sure to work."""
    if any(expected.outcomes != {"delivered"} for expected in prediction.actions.values()):
        return []
    found = []
    for action, watch in watches.items():
        if not watch.outcome.delivered:
            continue
        try:
            watch.expect()
        except ExpectationFailed as failure:
            found.append(f"{action}: {failure}")
    return found


def _was_dialled(built: Built) -> bool:
    try:
        built.partner.edge.must_not_have_been_dialled()
    except ExpectationFailed:
        return True
    return False
