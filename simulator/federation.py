"""The composition root: DNS, CA, clock, evidence, server under test and partners become one running federation."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from fakes.ca import PROFILES, Authority, Issued, Profile, Publisher
from fakes.dns import DnsServer, Query, Zone, ZoneSet
from simulator import tls
from simulator.clock import SystemClock
from simulator.discovery import AnswerCache
from simulator.errors import ConfigurationError, Problem, SipfedError
from simulator.evidence.ladder import render
from simulator.evidence.recorder import Record, Recorder
from simulator.io.addresses import SIP_TLS_PORT, Addresses
from simulator.io.loop import LoopThread
from simulator.io.resolver import Resolver
from simulator.io.revocation import RevocationLookups
from simulator.io.timers import Timers
from simulator.io.transport import TrustPolicy
from simulator.names import Fqdn, SipDomain
from simulator.partner import FederationPolicy, Partner, Persona, Policy, Proxy, TenantPolicy, persona_named
from simulator.sut import CapabilityMissing, EmbeddedServer, ServerUnderTest, Surroundings, SutSettings, start
from simulator.sut.base import SaysWhatItLacks, SaysWhy, SeesArrivals
from simulator.sut.network import addresses_of, as_mistake, authority_of, other_roots

T = TypeVar("T")

DNS_LANE = "dns"
TENANT_RANK = (100, 1)
"Priority and weight of the SRV record that Microsoft has a tenant publish (F3.1, R79)."


class Engine:
    """What outlives a test: the loop, the clock, the DNS, the CA and the server under test. Start it once a run."""

    def __init__(
        self,
        *,
        key_log: Callable[[str], None] | None = None,
        addresses: Addresses | None = None,
        settings: SutSettings | None = None,
        names: Sequence[str] = (),
    ) -> None:
        """`key_log` gets the TLS secrets of every partner as NSS key log lines, which tshark reads; `addresses` hands
        out where partners and servers listen; `settings` are those of the server under test, which `start_sut` starts.
        The CA issues for `names` as well, besides the reserved domains and those of the settings: a partner can go by
        `sipfed.online.lync.com` then.

        Raises ConfigurationError where the network of the settings cannot be had.
        """
        self.settings = settings or SutSettings()
        network = self.settings.network
        self.key_log = key_log
        self.loop = LoopThread()
        self.clock = SystemClock()
        self.recorder = Recorder(self.clock)
        self.addresses = addresses or addresses_of(network)
        self.zones = ZoneSet()
        self.authority = authority_of(self.settings, names, clock=self.clock.today)
        self.roots = [self.authority.root, *other_roots(self.settings)]
        "Whose certificates partners trust."
        self.revocation = RevocationLookups(self.clock)
        self._publisher: Publisher | None = None
        self.run = secrets.token_hex(2)
        "Makes the names of this run differ from those of every other one."
        self.numbers = itertools.count(1)
        self.lanes: dict[str, str] = {}
        "Which participant asks the DNS from which address; everybody else is the server under test."
        self.loop.start()
        self.timers = self.loop.call(Timers, self.clock)
        address, port = network.dns
        self.dns = DnsServer(
            self.zones,
            address=address,
            port=port,
            on_query=self._record_query,
            clock=self.clock.now,
            call_later=lambda delay, send: self.timers.call_at(self.clock.now() + delay, send),
        )
        self.sut: ServerUnderTest | None = None
        self.open: set[Federation] = set()
        "Federations whose partners still listen."
        try:
            with as_mistake(f"network: the DNS at {address} port {port}"):
                self.loop.run(self.dns.start())
        except BaseException:
            self.close()
            raise

    def start_embedded(self) -> EmbeddedServer:
        """Start the embedded Connect Server as the server under test."""
        server = self.start_sut()
        assert isinstance(server, EmbeddedServer)
        return server

    def start_sut(self) -> ServerUnderTest:
        """Start or find the server under test that the settings describe, and publish its DNS records.

        Raises ConfigurationError or another SipfedError with a sentence where that cannot be.
        """
        server = start(self.settings, self.surroundings)
        self.publish(server.domain, server.fqdn, server.address, server.port)
        self.sut = server
        return server

    @property
    def surroundings(self) -> Surroundings:
        """What the driver of a server under test gets to work with."""
        return Surroundings(
            loop=self.loop,
            clock=self.clock,
            timers=self.timers,
            recorder=self.recorder,
            dns=(self.dns.address, self.dns.port),
            authority=self.authority,
            addresses=self.addresses.take,
            publish=lambda domain, fqdn, address, port, srv: self.publish(domain, fqdn, address, port, srv=srv),
            log=self.recorder.log,
        )

    def issue(self, fqdn: Fqdn, profile: str | Profile, *, address: str | None = None) -> Issued:
        """A certificate of `profile`, valid by the clock of the federation; `address` is named beside the FQDN where
        the profile wants it. The CA's HTTP server for CRLs and OCSP is started for the first that needs it."""
        shape = PROFILES.get(profile) if isinstance(profile, str) else profile
        if shape is not None and shape.needs_publisher and self._publisher is None:
            self._publisher = Publisher(self.authority)
            self.loop.run(self._publisher.start())
        if shape is not None and shape.revoked:
            self.revocation.forget()  # a CRL from before does not name it yet
        sans = [address] if address is not None and shape is not None and shape.names_address else []
        return self.authority.issue(str(fqdn), shape or profile, sans=sans)

    def publish(
        self,
        domain: SipDomain,
        fqdn: Fqdn,
        address: str,
        port: int,
        *,
        srv: bool = True,
        a: bool = True,
        rank: tuple[int, int] = (0, 0),
    ) -> None:
        """Publish the federation records of a domain: SRV where `srv`, with priority and weight as in `rank`, and A of
        its server where `a` (R8, R15)."""
        self._zone(str(domain))
        if srv:
            with self.zones.edit(str(domain)) as zone:
                zone.srv("_sipfederationtls._tcp", *rank, port, str(fqdn))
        if a:
            origin = str(domain) if fqdn.labels[-len(domain.labels) :] == domain.labels else ".".join(fqdn.labels[1:])
            self._zone(origin)
            with self.zones.edit(origin) as zone:
                (zone.aaaa if ":" in address else zone.a)(str(fqdn), address)

    def _zone(self, origin: str) -> None:
        if origin not in self.zones:
            self.zones.add_zone(Zone(origin, ttl=0, negative_ttl=0))

    def close(self) -> list[str]:
        """Stop everything, partners of a federation that nobody closed too; the errors of background work that no test
        took come back."""
        for federation in tuple(self.open):
            federation.end_partners()
        if self.sut is not None:
            self.sut.close()
        if self._publisher is not None:
            self.loop.run(self._publisher.close())
        self.loop.run(self.dns.close())
        self.loop.call(self.timers.close)
        self.loop.close()
        self.authority.close()
        return self.loop.take_errors()

    def _record_query(self, query: Query) -> None:
        client = query.client.rpartition(":")[0]
        # On a shared address nobody can tell who asked.
        nobody_knows = self.sut is None or client.strip("[]") == self.addresses.shared
        asker = self.lanes.get(client, "somebody" if nobody_knows else str(self.sut and self.sut.domain))
        name, kind = query.name, query.type
        self.recorder.dns_question(asker, DNS_LANE, name, kind, transport=query.transport)
        if query.answered:
            self.recorder.dns_answer(DNS_LANE, asker, name, kind, query.rcode, query.answers)


class Federation:
    """One test's view of the engine: its own partners, undone changes, and its part of the evidence."""

    def __init__(self, engine: Engine) -> None:
        if engine.sut is None:
            raise SipfedError("The engine has no server under test yet; start one first.")
        self._engine = engine
        self._mark = engine.recorder.mark()
        self._origins = set(engine.zones.origins)
        self._partners: list[Partner] = []
        self._servers: list[ServerUnderTest] = []
        self._queries = engine.dns.query_count
        self.sut: ServerUnderTest = engine.sut
        self.sut.begin_test()
        engine.open.add(self)

    @property
    def zones(self) -> ZoneSet:
        """The zones that the fake DNS answers; what a test adds or changes is its own to name freshly."""
        return self._engine.zones

    @property
    def dns(self) -> DnsServer:
        """The fake DNS server, with its address and port; `fault` makes it go wrong until the end of the test."""
        return self._engine.dns

    @property
    def authority(self) -> Authority:
        """The throwaway CA."""
        return self._engine.authority

    def fresh_domain(self, word: str = "fabrikam") -> SipDomain:
        """A domain that no other test and no other run has, such as `fabrikam3-7f2a.test`."""
        return SipDomain.parse(f"{word}{next(self._engine.numbers)}-{self._engine.run}.test")

    def partner(
        self,
        persona: str | Persona = "sfb-2019",
        *,
        certificate: str | Profile = "dual",
        domain: SipDomain | str | None = None,
        fqdn: Fqdn | str | None = None,
        srv: bool = True,
        a: bool = True,
        address: str | None = None,
        other_port: bool = False,
        policy: Policy | None = None,
        tenants: int | Sequence[SipDomain | str] | None = None,
        opposite: ServerUnderTest | None = None,
    ) -> Partner:
        """Start a partner and publish its records.

        `certificate` is a profile of `fakes.ca`; `srv` and `a` say which records exist. Without `domain` and `fqdn` it
        is a fresh domain and `sip.<domain>`. `opposite` is the server it talks with, if not the server under test.
        `address` is where its edge listens, such as `::1`; else it is an address, or at least a port, of its own, and
        with `other_port` never port 5061.

        A partner whose persona has tenants (`teams`) serves one or more SIP domains from an edge that lies in none of
        them: `tenants` is how many or which, and its FQDN by default like `sipfed.online.lync3-7f2a.test`. Each tenant
        has a policy of its own, unless `policy` is given for all of them.
        """
        opposite = opposite or self.sut
        speaks = persona if isinstance(persona, Persona) else persona_named(persona)
        domains = self._domains_for(speaks, domain, tenants)
        hosted = speaks.policy == "tenant"
        own = domains[0]
        if fqdn:
            name = Fqdn.parse(str(fqdn))
        else:
            name = Fqdn.parse(f"sipfed.online.{self.fresh_domain('lync')}") if hosted else own.child("sip")
        place, port = self._engine.addresses.take() if address is None else (address, 0)
        if other_port and port == SIP_TLS_PORT:
            port = 0
        issued = self._engine.issue(name, certificate, address=place)
        partner = Partner(
            policies={each: policy or (TenantPolicy() if hosted else FederationPolicy()) for each in domains},
            fqdn=name,
            persona=speaks,
            identity=tls.Identity(issued.chain_pem, issued.key_pem),
            trust_policy=TrustPolicy(self._engine.roots, speaks.rules, self._engine.revocation),
            resolver=Resolver(
                (self.dns.address, self.dns.port),
                source=place if address is None else None,
                cache=AnswerCache(speaks.discovery.cache) if speaks.discovery.cache else None,
                now=self._engine.clock.now,
                timers=self._engine.timers,
            ),
            loop=self._engine.loop,
            timers=self._engine.timers,
            recorder=self._engine.recorder,
            opposite=str(opposite.domain),
            key_log=self._engine.key_log,
        )
        self._run(partner.start(place, port))
        self._partners.append(partner)
        if address is None and not self._engine.addresses.one_address:
            self._engine.lanes[place] = str(own)
        for each in domains:
            rank = TENANT_RANK if hosted else (0, 0)
            self._engine.publish(
                each, name, partner.edge.address, partner.edge.port, srv=srv, a=a and each == own, rank=rank
            )
        return partner

    def teams(self, tenants: int | Sequence[SipDomain | str] = 1, **options: Any) -> Partner:
        """A partner like Microsoft 365: `tenants` SIP domains behind one edge that is in none of them.

        `options` are those of `partner`, such as `certificate` or `fqdn`.
        """
        return self.partner(options.pop("persona", "teams"), tenants=tenants, **options)

    def _domains_for(
        self, persona: Persona, domain: SipDomain | str | None, tenants: int | Sequence[SipDomain | str] | None
    ) -> list[SipDomain]:
        if tenants is None:
            return [SipDomain.parse(str(domain)) if domain else self.fresh_domain()]
        problem = ""
        if domain is not None:
            problem = "give either the domain or the tenants, not both"
        elif persona.policy != "tenant":
            problem = f"the persona {persona.name} has no tenants; teams has, and what is derived from it"
        elif not tenants:
            problem = "there must be at least one"
        if problem:
            raise ConfigurationError([Problem("tenants", problem)])
        if isinstance(tenants, int):
            return [self.fresh_domain("contoso") for _ in range(tenants)]
        return [SipDomain.parse(str(each)) for each in tenants]

    def direct_partner(
        self, persona: str | Persona = "sfb-2019", *, certificate: str = "dual", fqdn: Fqdn | str | None = None
    ) -> Partner:
        """A partner joined by static routes only, in both directions: it has no SRV record (R27–R38, F1.1).

        A tenant of Teams knows no static routes: it finds the server by DNS, only the server has a route to it.
        """
        speaks = persona if isinstance(persona, Persona) else persona_named(persona)
        policy: Policy | None = None
        if speaks.policy == "edge":
            policy = FederationPolicy(partner_discovery=False)
            policy.allow(self.sut.domain, Proxy(self.sut.fqdn, self.sut.port))
        partner = self.partner(persona, certificate=certificate, fqdn=fqdn, srv=False, policy=policy)
        self.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port)
        return partner

    def server(
        self, domain: SipDomain | str, fqdn: Fqdn | str, *, certificate: str | Profile = "dual"
    ) -> ServerUnderTest:
        """Another server of the same kind with names of its own, as long as the test lasts (capability `identity`)."""
        name = Fqdn.parse(str(fqdn))
        issued = self._engine.issue(name, certificate)
        server = self.sut.start_instance(SipDomain.parse(str(domain)), name, issued)
        self._servers.append(server)
        self._engine.publish(server.domain, server.fqdn, server.address, server.port)
        return server

    def issue(self, fqdn: Fqdn | str, certificate: str | Profile = "dual") -> Issued:
        """Another certificate of the run's CA, of a profile of `fakes.ca`, such as for a renewal."""
        return self._engine.issue(Fqdn.parse(str(fqdn)), certificate)

    def advance(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Jump ahead on the clocks of partners and server; what is due then happens at once (capability `time`).

        Where the server's clock cannot be set, that time really passes if `slow` allows it; else CapabilityMissing.
        """
        ahead = seconds + 60 * minutes + 3600 * hours
        if "time" not in self.sut.capabilities:
            if not self._engine.settings.slow:
                hints = self.sut.hints if isinstance(self.sut, SaysWhatItLacks) else {}
                raise CapabilityMissing(self.sut.name, "time", hints.get("time"))
            threading.Event().wait(ahead)
            return
        self._engine.clock.advance(ahead, meanwhile=lambda: self.sut.advance(ahead))

    @property
    def records(self) -> list[Record]:
        """The evidence of this test so far."""
        return self._engine.recorder.since(self._mark)

    def wait_for_query(
        self, name: str, type_: str | None = None, *, client: str | None = None, timeout: float = 5.0
    ) -> Query:
        """Return the first query of this test for the name; the failure names the near misses."""
        return self.dns.expect_query(name, type_, client=client, since=self._queries, timeout=timeout)

    def read_log(self) -> list[str]:
        """What a server elsewhere says it decided in this test; nothing where that is in the evidence already."""
        return self.sut.read_log() if isinstance(self.sut, SaysWhy) else []

    def ladder(self, *, colour: bool = False, width: int = 100) -> str:
        """The evidence of this test as text, one time axis for DNS, TCP, TLS and SIP."""
        lanes = [DNS_LANE, *(str(server.domain) for server in (self.sut, *self._servers)), *map(str, self._partners)]
        seen = {record.who for record in self.records} | {record.peer for record in self.records}
        return render(self.records, lanes=[lane for lane in lanes if lane in seen], colour=colour, width=width)

    def take_surprises(self) -> list[str]:
        """What reached a user of a partner, or of the server under test where that can be seen, and no expectation of
        the test took, a sentence each; all of it is taken then (`User.ignores` is for users who may get anything)."""
        servers = [server for server in (self.sut, *self._servers) if isinstance(server, SeesArrivals)]
        return [sentence for place in (*self._partners, *servers) for sentence in place.take_surprises()]

    def close(self) -> list[str]:
        """Stop the partners and undo the test's changes; what nothing expected comes back, a sentence each: surprises
        and the errors of background work."""
        self.end_partners()
        surprises = self.take_surprises()
        for server in self._servers:
            server.close()
        errors = self.sut.end_test()
        for origin in set(self.zones.origins) - self._origins:
            self.zones.remove_zone(origin)
        self.dns.clear_faults()
        return [*surprises, *errors, *self._engine.loop.take_errors()]

    def end_partners(self) -> None:
        """Stop the partners; the rest of `close` needs the server under test, this does not."""
        self._engine.open.discard(self)
        self._run(_all(partner.close() for partner in self._partners))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._engine.loop.run(coroutine)


async def _all(actions: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Do all of them at the same time."""
    await asyncio.gather(*actions)
