"""A partner as a test holds it: SIP domains with their users behind one edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cryptography import x509

from simulator import tls, trust
from simulator.errors import ConfigurationError, Problem
from simulator.evidence.recorder import Recorder
from simulator.io.account import Account, Refusal
from simulator.io.loop import LoopThread
from simulator.io.resolver import Resolver
from simulator.io.surprises import take_surprises
from simulator.io.timers import Timers
from simulator.io.transport import TrustPolicy
from simulator.io.user import User
from simulator.names import Fqdn, SipDomain
from simulator.partner.edge import Edge, EdgeTap
from simulator.partner.log import NO_CODE, EdgeLog, EdgeLogEntry
from simulator.partner.mishaps import EdgeAgent
from simulator.partner.personas import Persona
from simulator.partner.policy import DomainName, domain_named
from simulator.partner.rules import EdgeRules, Policy
from simulator.sip.framing import Limits


class Tenant:
    """One SIP domain behind the edge of a partner, with its policy and its users."""

    def __init__(self, partner: Partner, domain: SipDomain, policy: Policy) -> None:
        self.domain = domain
        self.policy: Policy = policy
        "Changed by a test while the partner runs; read at every request."
        self._partner = partner
        self._users: dict[str, User] = {}
        self._away: set[str] = set()
        self._contacts: set[tuple[str, str]] = set()

    def __str__(self) -> str:
        return str(self.domain)

    def user(self, name: str) -> User:
        """The user `name@domain`, made on first use."""
        if name not in self._users:
            if not name or not name.isascii() or not name.replace(".", "").replace("-", "").replace("_", "").isalnum():
                raise ConfigurationError([Problem("user", f"{name!r} is no user name; use letters, digits, . - and _")])
            account = Account(f"sip:{name}@{self.domain}", name.capitalize(), refusal=lambda: self._why_not(name))
            self._users[name] = self._partner.new_user(account)
        return self._users[name]

    def sign_out(self, name: str) -> None:
        """Have the user exist and be nowhere signed in: senders get 480."""
        self.user(name)
        self._away.add(name)

    def sign_in(self, name: str) -> None:
        """Undo `sign_out`."""
        self._away.discard(name)

    def add_contact(self, name: str, remote: str) -> None:
        """Put `sip:user@domain` on the contact list of the user `name`; whom a user watches is on it anyway."""
        self._contacts.add((f"sip:{name}@{self.domain}", remote if remote.startswith("sip:") else f"sip:{remote}"))

    def has_contact(self, user: str, remote: str) -> bool:
        """Whether the second `sip:user@domain` was put on the contact list of the first."""
        return (user, remote) in self._contacts

    def _why_not(self, name: str) -> Refusal | None:
        if name not in self._away:
            return None
        return self._partner.rules.refusal("signed_out", f"{name}@{self.domain} is nowhere signed in")


class Partner:
    """One simulated organisation; `start` it before use and `close` it afterwards, both on the loop."""

    def __init__(
        self,
        *,
        policies: Mapping[SipDomain, Policy],
        fqdn: Fqdn,
        persona: Persona,
        identity: tls.Identity,
        trust_policy: TrustPolicy,
        resolver: Resolver,
        loop: LoopThread,
        timers: Timers,
        recorder: Recorder,
        opposite: str,
        key_log: Callable[[str], None] | None = None,
    ) -> None:
        """`policies` has an entry for each of its SIP domains, the first of which names it in the evidence; `opposite`
        is the participant that the evidence names at the other end of every connection; `key_log` gets the TLS secrets
        of every connection."""
        self.domain = next(iter(policies))
        "The first of its SIP domains; most partners have just one."
        self.persona = persona
        self.tenants = {domain: Tenant(self, domain, policy) for domain, policy in policies.items()}
        "Its SIP domains, each with its policy and its users."
        self._loop = loop
        self._timers = timers
        self._log = EdgeLog(recorder, str(self.domain))
        self.rules = EdgeRules(
            persona,
            policies,
            fqdn=fqdn,
            log=self._log,
            now=timers.clock.now,
            is_contact=self._is_contact,
        )
        shown = trust.names_of(x509.load_pem_x509_certificate(identity.chain_pem))
        tap = EdgeTap(recorder, str(self.domain), lambda _link: opposite, self.rules, own_names=shown)
        self.agent = EdgeAgent(
            fqdn=fqdn,
            dialect=persona.dialect,
            peering=self.rules,
            resolver=resolver,
            timers=timers,
            identity=identity,
            trust_policy=trust_policy,
            tap=tap,
            log=self._note,
            key_log=key_log,
            habits=persona.links,
        )
        if persona.edge.mark_verified:
            self.agent.writer.edge_headers = [(persona.edge.verification_header, "ms-source-verified-user=verified")]
        self.agent.transport.limits = Limits(body=max(Limits().body, 2 * persona.edge.max_body))
        self.edge = Edge(loop, self.agent, self.rules, tap, self._log, SipDomain.parse(opposite))

    def __str__(self) -> str:
        return str(self.domain)

    @property
    def policy(self) -> Policy:
        """Whom its first domain federates with, for a test to change while the partner runs."""
        return self.tenants[self.domain].policy

    async def start(self, address: str, port: int) -> None:
        """Listen at `address` and `port` (0 = any free one)."""
        await self.agent.listen(address, port)

    async def close(self) -> None:
        """Say good-bye where a connection is still there, end all connections and stop listening."""
        await self.edge.end_breakdown()
        await self.agent.leave()
        await self.agent.close()

    def restart(self, *, reason: str | None = None) -> None:
        """Be as after a restart: connections, chats and subscriptions are lost, users and policy stay.

        With `reason` the watchers of its users are told so first; `deactivated` asks them to come again at once
        (RFC 6665 §4.1.3). Without, it was killed in the middle of whatever it did.
        """
        if reason is not None:
            self._loop.run(self.agent.watches.end_all(reason))
        self._loop.call(self.agent.forget)

    def tenant(self, domain: DomainName) -> Tenant:
        """One of its SIP domains; ConfigurationError with those that there are when it is none of them."""
        found = self.tenants.get(domain_named(domain))
        if found is None:
            known = ", ".join(map(str, self.tenants))
            raise ConfigurationError([Problem("tenant", f"{domain} is none of this partner's domains: {known}")])
        return found

    def user(self, name: str) -> User:
        """The user `name` of its first domain, or `name@domain` of any of them; made on first use."""
        local, at, domain = name.partition("@")
        return self.tenant(domain if at else self.domain).user(local)

    def new_user(self, account: Account) -> User:
        """Let the user agent know a user; for `Tenant.user`."""
        self._loop.call(self.agent.accounts.__setitem__, account.uri, account)
        return User(self._loop, self.agent, account)

    def _is_contact(self, user: str, remote: str) -> bool:
        return self.agent.watches.is_watching(user, remote) or any(
            tenant.has_contact(user, remote) for tenant in self.tenants.values()
        )

    def take_surprises(self) -> list[str]:
        """What reached the users and no expectation took, a sentence each; all of it is taken then."""

        def take() -> list[str]:
            unasked, self.agent.unasked = self.agent.unasked, []
            return [*take_surprises(self.agent.accounts.values()), *unasked]

        return self._loop.call(take)

    def _note(self, sentence: str) -> None:
        self._log.put(EdgeLogEntry(self._timers.clock.now(), "information", *NO_CODE, "", sentence))
