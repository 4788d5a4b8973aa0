"""One message each way; where it does not get through, the one setting to change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NoReturn

from simulator.errors import ConfigurationError, ExpectationFailed, Problem
from simulator.evidence.recorder import Record
from simulator.federation import Engine, Federation
from simulator.outcome import Outcome
from simulator.partner import Partner

TEXT: Final = "sipfed checks the way; nothing needs to be done."
NOT_FOUND: Final = frozenset({404, 410, 480, 604})


def check(engine: Engine) -> None:
    """Send one message from a partner to the server, and one back where its users can be told to.

    Raises ConfigurationError with the one setting that is wrong, of the server, of its DNS or of `sut.toml`.
    """
    federation = Federation(engine)
    try:
        able = federation.sut.capabilities
        if "open-federation" in able:
            check_with(engine, federation, federation.partner())
        elif "static-routes" in able:
            check_with(engine, federation, federation.direct_partner())
        else:
            _Check(engine, federation, federation.partner()).handshake()
    finally:
        federation.close()


def check_with(engine: Engine, federation: Federation, partner: Partner) -> None:
    """The same between the server and this partner."""
    _Check(engine, federation, partner).both_ways()


class _Check:
    def __init__(self, engine: Engine, federation: Federation, partner: Partner) -> None:
        self._engine = engine
        self._federation = federation
        self._partner = partner
        self._sut = federation.sut
        self._alice = federation.sut.user("alice")
        self._bob = partner.user("bob")
        self._bob.ignores("messages", "typing")

    def both_ways(self) -> None:
        inward = self._bob.chat_with(self._alice).say(TEXT)
        if not inward.delivered:
            self._explain_handshake()
            self._explain_inward(inward)
        if "observe-inbox" in self._sut.capabilities:
            self._must_be_in_the_inbox()
        if "chat" in self._sut.capabilities:
            self._bob.chat_with(self._alice).close()
            outward = self._alice.chat_with(self._bob).say(TEXT)
            if not outward.delivered:
                self._explain_handshake()
                self._explain_outward(outward)

    def handshake(self) -> None:
        """All that can be asked of a server which federates with nobody yet."""
        self._bob.chat_with(self._alice).say(TEXT)
        self._explain_handshake()

    # -- what is wrong ------------------------------------------------------------------------------------------

    def _explain_handshake(self) -> None:
        sut = self._sut
        where = f"{sut.address} port {sut.port}"
        if record := self._first("tcp", "refused", "timeout", without="connected"):
            _wrong(
                "address",
                f"nothing accepts connections at {where} ({record.text or record.what});",
                "start the server, or write in sut.toml as address where it listens",
            )
        if record := self._first("tls", "refused-by"):
            alert = str(record.data.get("alert") or "no alert")
            _wrong(
                "trust",
                f"the server refuses our certificate ({alert});",
                f"import {self._root()} as a trusted authority of the server",
            )
        if record := self._first("tls", "refused"):
            _wrong(
                "certificate",
                f"partners refuse the certificate of the server: {record.text.rstrip('.')};",
                f"give it one for {sut.fqdn} of an authority that partners trust:",
                "the one that sipfed made, or one of trusted_roots in sut.toml",
            )
        if record := self._first("tls", "failed"):
            _wrong(
                "port",
                f"nobody speaks TLS at {where} ({record.text.rstrip('.')});",
                "write in sut.toml the port for federation (MTLS)",
            )

    def _explain_inward(self, outcome: Outcome) -> NoReturn:
        if outcome.phase == "discovery":
            _wrong("fqdn", f"partners do not find the server: {outcome.reason.rstrip('.')}")
        if outcome.status in NOT_FOUND:
            _wrong(
                "users",
                f"the server has no {self._alice.uri} ({_said(outcome)});",
                "make this user, or write the name of another one in [sut.users.alice]",
            )
        self._explain_discovery(outcome)
        anna = self._federation.sut.user("anna")
        if self._bob.chat_with(anna).say(TEXT).delivered:
            _wrong(
                "users",
                f"{anna.uri} can be reached and {self._alice.uri} cannot ({_said(outcome)});",
                "give that user the licence and switch federation on, or name another one in [sut.users.alice]",
            )
        _wrong(
            "our domain",
            f"the server does not accept {self._partner.domain} ({_said(outcome)});",
            "allow the domains below test, or every domain, for its federation",
        )

    def _explain_outward(self, outcome: Outcome) -> NoReturn:
        self._explain_discovery(outcome)
        edge = self._partner.edge
        if outcome.phase == "policy":
            _wrong("users", f"{self._alice.uri} may not send to partners: {outcome.reason.rstrip('.')}")
        if not self._first("tcp", "accepted"):
            _wrong(
                "firewall",
                f"the server has found {edge.fqdn} by DNS and does not reach it ({_said(outcome)});",
                f"allow it outgoing TCP to {edge.address} port {edge.port}",
            )
        _wrong("the way out", f"the server reaches {edge.fqdn}, but no message is delivered: {_said(outcome)}")

    def _explain_discovery(self, outcome: Outcome) -> None:
        """Whether the server asks our DNS about the partner, and if not, whether the DNS or a switch is to blame."""
        if "open-federation" not in self._sut.capabilities or self._asked(self._partner):
            return
        if "static-routes" in self._sut.capabilities and self._asks_about_a_route():
            _wrong(
                "open federation",
                f"the server looks no partner up ({_said(outcome)});",
                "switch its open federation on",
            )
        dns = self._engine.dns
        _wrong(
            "DNS",
            f"the server does not ask our DNS for SRV {self._partner.domain.srv_name} ({_said(outcome)});",
            f"forward the zone test from its resolver to {dns.address} port {dns.port}",
            "" if "static-routes" in self._sut.capabilities else "and see that its open federation is on",
        )

    # -- what was seen ------------------------------------------------------------------------------------------

    def _asks_about_a_route(self) -> bool:
        """A route needs no open federation, but the address of its host."""
        partner = self._federation.direct_partner()
        partner.user("bob").ignores("messages", "typing")
        partner.user("bob").chat_with(self._alice).say(TEXT)
        if "chat" in self._sut.capabilities:
            self._alice.chat_with(partner.user("bob")).say(TEXT)
        return self._asked(partner)

    def _asked(self, partner: Partner) -> bool:
        """Nobody but the server asks for these names."""
        names = {partner.domain.srv_name, str(partner.edge.fqdn)}
        return any(query.name.rstrip(".").lower() in names for query in self._engine.dns.history)

    def _must_be_in_the_inbox(self) -> None:
        try:
            self._alice.expect_message(TEXT)
        except ExpectationFailed as error:
            raise ConfigurationError(
                [Problem("preflight, inbox", f"a message was accepted, and yet: {error}")]
            ) from error

    def _first(self, layer: str, *what: str, without: str | None = None) -> Record | None:
        mine = [one for one in self._federation.records if one.who == str(self._partner.domain) and one.layer == layer]
        if without is not None and _any(mine, (without,)):
            return None
        return _any(mine, what)

    def _root(self) -> str:
        folder = self._engine.settings.network.ca
        return "the CA of this run" if folder is None else str(folder / "root.crt")


def _said(outcome: Outcome) -> str:
    return f"it says {outcome.status} {outcome.reason}".strip() if outcome.status else outcome.reason.rstrip(".")


def _wrong(what: str, *sentence: str) -> NoReturn:
    raise ConfigurationError([Problem(f"preflight, {what}", f"{' '.join(filter(None, sentence))}.")])


def _any(records: Iterable[Record], what: Iterable[str]) -> Record | None:
    wanted = set(what)
    return next((record for record in records if record.what in wanted), None)
