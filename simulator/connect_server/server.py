"""The embedded Connect Server: the default server under test and the model of correct behaviour (R1–R58)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from simulator.connect_server import consistency, ways
from simulator.connect_server.advice import certificate_warnings, examine, name_problems, warnings
from simulator.connect_server.certificates import CertificateStore, StoredCertificate, store_of
from simulator.connect_server.changes import Change, Reload, differences
from simulator.connect_server.dialect import DIALECT
from simulator.connect_server.entitlement import entitlement
from simulator.connect_server.identity import OwnCertificate, own_certificate
from simulator.connect_server.settings import ServerSettings, User
from simulator.connect_server.suitability import Demands, notice_from
from simulator.errors import ConfigurationError, Problem
from simulator.io.account import Account, Refusal
from simulator.io.admission import domain_of, sender_domain
from simulator.io.link import Link
from simulator.io.link_user import Tap
from simulator.io.peering import Peering, Way
from simulator.io.timers import Alarm, Timers
from simulator.io.user_agent import UserAgent
from simulator.names import SipDomain
from simulator.sip.message import Request


class ConnectServer(Peering):
    """Serves one domain by static routes and open federation. All methods are to be called on the loop's thread."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        timers: Timers,
        tap: Tap | None = None,
        log: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """Read certificate, key and roots; ConfigurationError names everything that cannot be used."""
        _check(settings, timers)
        self._settings = settings
        self._timers = timers
        self._log = log
        self._own = own_certificate(settings, timers.clock.today())
        self.agent = UserAgent(
            fqdn=settings.fqdn,
            dialect=DIALECT,
            peering=self,
            resolver=ways.resolver(settings, timers),
            timers=timers,
            identity=self._own.identity,
            trust_policy=ways.trust_policy(settings, timers),
            tap=tap,
            log=log,
        )
        self._alarm = Alarm(timers, self._on_notice)
        self._take_users()

    @property
    def settings(self) -> ServerSettings:
        """What is in force now."""
        return self._settings

    @property
    def now(self) -> datetime:
        """The calendar time on its clock."""
        return self._timers.clock.today()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.agent.transport.address, self.agent.transport.port

    @property
    def certificate(self) -> OwnCertificate:
        """The certificate that new connections see (R62)."""
        return self._own

    @property
    def store(self) -> CertificateStore:
        """The certificates that can be chosen from (R63); ConfigurationError when the settings name files instead."""
        return store_of(self._settings)

    async def start(self) -> None:
        """Listen; ConfigurationError when certificate or address cannot be used (R43, R59)."""
        self.agent.transport.check_identity()
        await self.agent.listen(str(self._settings.listen.address), self._settings.listen.port)
        self._plan_notice()

    async def close(self) -> None:
        """End all connections and stop listening."""
        self._alarm.set(None)
        await self.agent.close()

    # -- while it runs ------------------------------------------------------------------------------------------

    def apply(self, settings: ServerSettings) -> tuple[Change, ...]:
        """Put other settings into force without dropping a connection that they still allow, and say what changed.

        New connections see the certificate and the roots of `settings`; old ones live on with what they have. It is
        all or nothing: ConfigurationError, and nothing has changed, for settings that contradict themselves, for a
        certificate or file that cannot be used, and for a change that needs a restart (`changes.RESTART`).
        """
        changes = differences(self._settings, settings)
        restart = [change for change in changes if change.needs_restart]
        if restart:
            raise ConfigurationError(
                [Problem(change.place, f"{change.sentence} It takes effect at a restart only.") for change in restart]
            )
        changed = {change.place.partition(".")[0] for change in changes}
        problems = consistency.problems(settings)
        if changed & {"open_federation"}:
            problems += name_problems(settings)
        if problems:
            raise ConfigurationError(problems)
        # What may fail comes first; files that no change is about may be gone by now.
        own = self._own
        if changed & {"certificate", "certificate_rules", "trusted_roots"}:
            own = own_certificate(settings, self._timers.clock.today())
        policy = None
        if changed & {"trusted_roots", "partner_certificates"}:
            policy = ways.trust_policy(settings, self._timers)
        self._settings = settings
        self._present(own)
        if policy is not None:
            self.agent.transport.policy = policy
        if "dns" in changed:
            self.agent.resolver = ways.resolver(settings, self._timers)
        self._take_users()
        self.agent.partings.review()
        return changes

    def reload(self, path: Path) -> Reload:
        """Read the settings file again and put it into force, all of it or nothing; the answer says which.

        Certificate files and the active certificate of a store are read again, too. ConfigurationError for a file with
        mistakes, which changes nothing.
        """
        from simulator.connect_server import settings_file  # 0.1 s for pydantic, which no test needs

        today = self._timers.clock.today()
        settings = settings_file.load(path, also=lambda new: examine(new, today))
        result = Reload(differences(self._settings, settings), before=self._own, after=own_certificate(settings, today))
        if result.applied:
            self.apply(settings)
            self._present(result.after)
        return result

    def activate(self, selector: str) -> StoredCertificate:
        """Choose a certificate of the store for federation; it is used from the next connection on (R65, R75).

        ConfigurationError with every reason when it is not fit, and then the active one stays what it was.
        """
        today = self._timers.clock.today()
        certificate = self.store.activate(selector, Demands.of(self._settings), today)
        self._present(own_certificate(self._settings, today))
        return certificate

    def resume(self, certificate: StoredCertificate) -> None:
        """Go back to a certificate of the store that was the active one before, fit or not."""
        self.store.choose(certificate)
        self._present(own_certificate(self._settings, self._timers.clock.today()))

    def _present(self, own: OwnCertificate) -> None:
        """Show this certificate to whoever connects from now on."""
        if own.identity != self._own.identity:
            self.agent.transport.use(own.identity)
            self._log(f"New connections see the certificate {own.label}.")
        self._own = own
        self._plan_notice()

    def _plan_notice(self) -> None:
        """Warn when the end of the certificate comes near, and when it has come."""
        leaf, today = self._own.chain[0], self._timers.clock.today()
        due = [when - today for when in (notice_from(leaf), leaf.not_valid_after_utc) if when >= today]
        # A moment later, so that the time in question has come.
        self._alarm.set(self._timers.clock.now() + min(due).total_seconds() + 1 if due else None)

    def _on_notice(self) -> None:
        for problem in certificate_warnings(self._settings, self._own, self._timers.clock.today()):
            self._log(f"Warning: {problem}")
        self._plan_notice()

    def warnings(self) -> list[Problem]:
        """What is in force and makes federation fail with some partners, or soon will."""
        now = self._timers.clock.today()
        return [*warnings(self._settings), *certificate_warnings(self._settings, self._own, now)]

    # -- users --------------------------------------------------------------------------------------------------

    def account(self, name: str) -> Account:
        """The account of a user of the settings; ConfigurationError when there is none of that name."""
        user = self._settings.user(name)
        if user is None:
            known = ", ".join(user.name for user in self._settings.users) or "no user at all"
            raise ConfigurationError([Problem("users", f"there is no user {name!r}; there is {known}")])
        return self.agent.accounts[self._uri(user)]

    def empty_mailboxes(self) -> None:
        """Forget what reached the users and whom they wish to watch, and show them as available again."""
        self.agent.watches.renewals.close()
        for account in self.agent.accounts.values():
            account.forget_all()

    # -- Peering ------------------------------------------------------------------------------------------------

    def way_to(self, domain: SipDomain, user: str = "") -> Way:
        """How `domain` is reached under the settings in force; see `ways.way_to`."""
        del user
        return ways.way_to(self._settings, domain)

    def on_arrival(self, link: Link, request: Request) -> Refusal | None:
        """Refuse who asserts one domain and shows another: only the asserted one would be proven (RFC 3325 §5)."""
        del link
        if "P-Asserted-Identity" not in request.headers:
            return None
        asserted, claimed = sender_domain(request), domain_of(request.from_.uri)
        if asserted == claimed:
            return None
        return self.refusal("source_domain", f"From names {claimed}, but P-Asserted-Identity {asserted}.")

    # -- inside -------------------------------------------------------------------------------------------------

    def _take_users(self) -> None:
        accounts = self.agent.accounts
        for user in self._settings.users:
            uri = self._uri(user)
            if uri not in accounts:
                accounts[uri] = Account(uri, refusal=lambda name=user.name: self._why_not(name))  # type: ignore[misc]
            accounts[uri].display_name = user.display_name
        wanted = {self._uri(user) for user in self._settings.users}
        for uri in [uri for uri in accounts if uri not in wanted]:
            del accounts[uri]

    def _why_not(self, name: str) -> Refusal | None:
        user = self._settings.user(name)
        if user is None:
            return Refusal(404, "Not Found", f"there is no user {name} any more")
        answer = entitlement(self._settings, user)
        return None if answer.allowed else Refusal(403, "Forbidden", answer.sentence)

    def _uri(self, user: User) -> str:
        return f"sip:{user.name.lower()}@{self._settings.domain}"


def _check(settings: ServerSettings, timers: Timers) -> None:
    problems = consistency.problems(settings) or examine(settings, timers.clock.today())
    if problems:
        raise ConfigurationError(problems)
