"""A running server tells when its certificate comes to its end, and not before (R67, R68, C8)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fakes.ca import Authority
from simulator.clock import SystemClock
from simulator.connect_server.certificates import CertificateStore
from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import CertificateFolder, ServerSettings
from simulator.connect_server.suitability import Demands
from simulator.errors import ConfigurationError
from simulator.io.loop import LoopThread
from simulator.io.mailbox import Mailbox
from simulator.io.timers import Timers

DAY = 86400.0


class Running:
    """A server with a clock of its own."""

    def __init__(self, settings: ServerSettings, loop: LoopThread) -> None:
        self.loop = loop
        self.clock = SystemClock()
        self.log: Mailbox[str] = Mailbox()
        timers = loop.call(Timers, self.clock)
        self.server = loop.call(lambda: ConnectServer(settings, timers=timers, log=self.log.put))
        loop.run(self.server.start())

    def expect(self, words: str) -> None:
        """The server says so."""
        assert self.loop.run(self.log.take(lambda sentence: words in sentence, within=5)), list(self.log)

    def warns(self) -> list[str]:
        """What it warns of now, its store and its certificate only."""
        warnings = self.loop.call(self.server.warnings)
        return [str(problem) for problem in warnings if problem.place.startswith("certificate")]


@pytest.fixture
def start(settings: ServerSettings, authority: Authority) -> Iterator[Callable[[float], Running]]:
    """Starts a server whose certificate is valid for so many days."""
    loop = LoopThread()
    loop.start()
    started: list[Running] = []

    def start(days: float) -> Running:
        assert isinstance(settings.certificate, CertificateFolder)
        store = CertificateStore(settings.certificate.folder)
        issued = authority.issue(str(settings.fqdn), valid_days=days)
        store.add(issued.chain_pem, issued.key_pem, name="connect")
        store.activate("connect", Demands.of(settings), authority.now())
        started.append(Running(settings, loop))
        return started[-1]

    yield start
    for one in started:
        loop.run(one.server.close())
    assert loop.take_errors() == []
    loop.close()


@pytest.mark.parametrize(("days", "quiet", "warned"), [(6, 4, 5), (47, 34, 36), (90, 66, 68), (390, 358, 362)])
def test_it_warns_in_the_last_part_of_the_lifetime_and_when_it_has_ended(
    start: Callable[[float], Running], days: float, quiet: float, warned: float
) -> None:
    running = start(days)

    running.clock.advance(quiet * DAY)
    assert not [warning for warning in running.warns() if "it ends in" in warning]

    running.clock.advance((warned - quiet) * DAY)
    running.expect("it ends in")

    running.clock.advance((days + 1 - warned) * DAY)
    running.expect("it expired on")
    assert "presented all the same" in running.warns()[0]


def test_a_renewed_certificate_that_waits_is_pointed_out(
    start: Callable[[float], Running], settings: ServerSettings, authority: Authority
) -> None:
    """F2.23: renewing alone helps nobody."""
    running = start(6)
    renewed = authority.issue(str(settings.fqdn), valid_days=12)
    running.server.store.add(renewed.chain_pem, renewed.key_pem, name="renewed")

    running.clock.advance(5.5 * DAY)
    running.expect("machine/renewed, which is valid for longer")

    running.loop.call(lambda: running.server.activate("renewed"))
    assert running.warns() == []


def test_the_end_of_the_next_certificate_is_told_too(
    start: Callable[[float], Running], settings: ServerSettings, authority: Authority
) -> None:
    running = start(6)
    running.clock.advance(7 * DAY)
    running.expect("it expired on")
    renewed = authority.issue(str(settings.fqdn), valid_days=20)
    running.server.store.add(renewed.chain_pem, renewed.key_pem, name="renewed")
    running.loop.call(lambda: running.server.activate("renewed"))
    running.log.clear()

    running.clock.advance(10 * DAY)

    running.expect("The certificate machine/renewed: it ends in")


def test_an_unfit_one_that_waits_is_not_pointed_out(
    start: Callable[[float], Running], settings: ServerSettings, authority: Authority
) -> None:
    running = start(6)
    other = authority.issue(str(settings.fqdn), "client-only", valid_days=12)
    running.server.store.add(other.chain_pem, other.key_pem)

    assert running.warns() == []


@pytest.mark.skipif(sys.platform == "win32", reason="the modes of files are those of Unix")
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_key_that_every_account_may_read_is_pointed_out(
    start: Callable[[float], Running], settings: ServerSettings, mode: int
) -> None:
    running = start(6)
    assert isinstance(settings.certificate, CertificateFolder)
    (settings.certificate.folder / "machine" / "connect.key").chmod(mode)

    assert bool([warning for warning in running.warns() if "Every account" in warning]) is (mode == 0o644)


def test_the_server_takes_its_settings_as_a_whole(settings: ServerSettings, start: Callable[[float], Running]) -> None:
    running = start(6)
    changed = replace(settings, trusted_roots=settings.trusted_roots.with_name("none.pem"))

    with pytest.raises(ConfigurationError, match=r"trusted_roots: .*none\.pem cannot be read"):
        running.loop.call(lambda: running.server.apply(changed))

    assert running.server.settings == settings
