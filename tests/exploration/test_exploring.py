"""Generated federations and histories on the sound server; `SIPFED_EXPLORE=1000` for more of them."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from simulator.errors import ConfigurationError
from simulator.exploration.exploring import check_personas, explore, explore_histories
from simulator.exploration.trying import attempt
from simulator.federation import Engine
from simulator.oracle import OwnServer, Route, Srv, Topology
from simulator.sut import CapabilityMissing

MORE = int(os.environ.get("SIPFED_EXPLORE", "0"))


def test_the_server_does_what_the_requirements_say_in_a_hundred_federations(engine: Engine) -> None:
    report = explore(engine, examples=MORE or 100, seed=20261122)
    assert report.disagreement is None, str(report.disagreement)
    assert report.tried == (MORE or 100)
    assert {what for _, what, _ in report.classes} == {"delivered", "failed"}


def test_nothing_is_lost_or_stale_in_twenty_histories(engine: Engine) -> None:
    report = explore_histories(engine, examples=max(20, MORE // 5), steps=25, seed=20261122)
    assert report.failure is None, str(report.failure)
    assert {"message", "watch", "presence", "cut", "route switch"} <= set(report.steps)


@pytest.mark.parametrize(
    "topology",
    [
        Topology(),
        Topology(persona="teams"),
        Topology(own_port=True),
        Topology(edge="sipfed.{other}"),
        Topology(edge="{parent}", domain="connect.{base}"),
        Topology(address="wildcard"),
        Topology(address="alias"),
        Topology(address="flattened"),
        Topology(srv=(Srv("spare.{domain}", priority=10), Srv())),
        Topology(srv=(Srv(port="dead"), Srv(priority=10))),
        Topology(srv=(), open_federation=False, route=Route(host="address"), certificate="ip-address"),
        Topology(certificate="lookalike"),
        Topology(user="carol"),
        Topology(server=OwnServer()),
        Topology(server=OwnServer("connect.{own}", "xphone.{server}", "lets-encrypt-2026")),
        Topology(server=OwnServer(srv=False)),
    ],
    ids=str,
)
def test_topology(engine: Engine, topology: Topology) -> None:
    trial = attempt(engine, topology)
    assert trial.differences == ()
    assert len(trial.outcomes) == 4


def test_the_same_seed_tries_the_same(engine: Engine) -> None:
    def tried(seed: int) -> list[str]:
        shown: list[str] = []
        explore(engine, examples=10, seed=seed, on_trial=lambda trial: shown.append(str(trial.topology)))
        return shown

    assert tried(3) == tried(3)
    assert tried(3) != tried(4)


def test_it_ends_when_the_time_is_up(engine: Engine) -> None:
    report = explore(engine, examples=10_000, time_limit=0.3)
    assert report.out_of_time
    assert 0 < report.tried < 10_000
    assert explore_histories(engine, examples=10_000, time_limit=0.3).out_of_time


def test_a_federation_leaves_nothing_behind(engine: Engine) -> None:
    assert engine.sut is not None
    before, links = engine.zones.origins, engine.loop.call(lambda: len(engine.sut.server.agent.transport.links))  # type: ignore[union-attr]
    explore(engine, examples=15, seed=8)
    assert engine.zones.origins == before
    assert links == 0


@pytest.fixture
def without(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def lack(*capabilities: str) -> None:
        assert engine.sut is not None
        monkeypatch.setattr(engine.sut, "capabilities", engine.sut.capabilities - {*capabilities})

    return lack


def test_a_server_is_not_asked_for_what_it_cannot_do(engine: Engine, without: Callable[..., None]) -> None:
    without("static-routes", "identity", "switch-open-federation", "licences", "presence")
    shown: list[Topology] = []
    actions: set[str] = set()

    def look(trial: object) -> None:
        shown.append(trial.topology)  # type: ignore[attr-defined]
        actions.update(trial.outcomes)  # type: ignore[attr-defined]

    assert explore(engine, examples=30, seed=1, on_trial=look).disagreement is None
    assert all(each.route is each.server is None and each.open_federation and each.user == "alice" for each in shown)  # type: ignore[comparison-overlap]
    assert actions == {"message to the partner", "message from the partner", "watch from the partner"}


def test_histories_need_a_server_that_can_be_told(engine: Engine, without: Callable[..., None]) -> None:
    without("presence")
    with pytest.raises(CapabilityMissing, match="presence"):
        explore_histories(engine)


def test_a_persona_that_the_oracle_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nobody can say what must happen with lync; there are sfb-2019"):
        check_personas(["teams", "lync"])
