"""A partner as a test holds it: one SIP domain with its users behind one edge."""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509

from simulator import tls, trust
from simulator.errors import ConfigurationError, Problem
from simulator.evidence.recorder import Recorder
from simulator.io.account import Account
from simulator.io.loop import LoopThread
from simulator.io.mailbox import Mailbox
from simulator.io.resolver import Resolver
from simulator.io.timers import Timers
from simulator.io.transport import TrustPolicy
from simulator.io.user import User
from simulator.io.user_agent import UserAgent
from simulator.names import Fqdn, SipDomain
from simulator.partner.edge import Edge, EdgeRules, EdgeTap
from simulator.partner.personas import Persona
from simulator.partner.policy import FederationPolicy


class Partner:
    """One simulated organisation; `start` it before use and `close` it afterwards, both on the loop."""

    def __init__(
        self,
        *,
        domain: SipDomain,
        fqdn: Fqdn,
        persona: Persona,
        policy: FederationPolicy,
        identity: tls.Identity,
        trust_policy: TrustPolicy,
        resolver: Resolver,
        loop: LoopThread,
        timers: Timers,
        recorder: Recorder,
        opposite: str,
        key_log: Callable[[str], None] | None = None,
    ) -> None:
        """`opposite` is the participant that the evidence names at the other end of every connection; `key_log` gets
        the TLS secrets of every connection."""
        self.domain = domain
        self.persona = persona
        self.policy = policy
        self._loop = loop
        self._recorder = recorder
        self._log: Mailbox[str] = Mailbox()
        shown = trust.names_of(x509.load_pem_x509_certificate(identity.chain_pem))
        tap = EdgeTap(recorder, str(domain), lambda _link: opposite, own_names=shown)
        self.agent = UserAgent(
            fqdn=fqdn,
            dialect=persona.dialect,
            peering=EdgeRules(persona, policy, self._note),
            resolver=resolver,
            timers=timers,
            identity=identity,
            trust_policy=trust_policy,
            tap=tap,
            log=self._note,
            key_log=key_log,
            habits=persona.links,
        )
        self.edge = Edge(loop, self.agent, tap, self._log)
        self._users: dict[str, User] = {}

    def __str__(self) -> str:
        return str(self.domain)

    async def start(self, address: str, port: int) -> None:
        """Listen at `address` and `port` (0 = any free one)."""
        await self.agent.listen(address, port)

    async def close(self) -> None:
        """Say good-bye where a connection is still there, end all connections and stop listening."""
        await self.agent.leave()
        await self.agent.close()

    def user(self, name: str) -> User:
        """The user `name@domain`, made on first use."""
        if name not in self._users:
            if not name or not name.isascii() or not name.replace(".", "").replace("-", "").replace("_", "").isalnum():
                raise ConfigurationError([Problem("user", f"{name!r} is no user name; use letters, digits, . - and _")])
            account = Account(f"sip:{name}@{self.domain}", name.capitalize())
            self._loop.call(self.agent.accounts.__setitem__, account.uri, account)
            self._users[name] = User(self._loop, self.agent, account)
        return self._users[name]

    def _note(self, sentence: str) -> None:
        self._log.put(sentence)
        self._recorder.log(str(self.domain), sentence)
