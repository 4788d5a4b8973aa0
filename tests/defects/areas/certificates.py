"""Faults in the server's certificates: the store, the choice, the renewal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.trust import ReasonKind
from tests.defects.frame import defect
from tests.defects.patches import verdicts


@defect(
    caught_by=("certificates/renewal-without-activation", "certificates/added-certificate-is-listed-and-not-chosen[*]"),
    says=("before it is activated by hand",),
)
def adding_activates(patch: pytest.MonkeyPatch) -> None:
    """The server uses a certificate as soon as it is added."""
    from simulator.connect_server.administration import Administration

    add = Administration.add_certificate

    def eager(self: Any, *arguments: Any, **named: Any) -> Any:
        added = add(self, *arguments, **named)
        self._active = self._active or self.server.store.active()
        self.server.resume(added)
        return added

    patch.setattr(Administration, "add_certificate", eager)


@defect(
    caught_by=("certificates/activated-certificate-is-shown[dual]", "certificates/renewal-after-the-end"),
    says=("A partner that connects now must be shown",),
)
def keeps_the_old_certificate(patch: pytest.MonkeyPatch) -> None:
    """The server goes on with the certificate that it has started with, whatever is activated."""
    from simulator.connect_server.server import ConnectServer

    def idle(self: Any, own: Any) -> None:
        self._own = own

    patch.setattr(ConnectServer, "_present", idle)


@defect(caught_by=("certificates/activated-certificate-serves-both-roles",), also=("trust/no-client-certificate",))
def activates_for_one_role(patch: pytest.MonkeyPatch) -> None:
    """The server uses the activated certificate where it is dialled, and the old one where it dials."""
    from simulator.io.transport import SipTransport

    def half(self: Any, identity: Any) -> None:
        self._context("client")
        self.identity = identity
        self._contexts.pop("server", None)

    patch.setattr(SipTransport, "use", half)


@defect(caught_by=("certificates/activation-cuts-no-connection",))
def activation_cuts_connections(patch: pytest.MonkeyPatch) -> None:
    """The server ends every connection when another certificate is activated."""
    from simulator.connect_server.server import ConnectServer

    activate = ConnectServer.activate

    def cutting(self: Any, selector: str) -> Any:
        chosen = activate(self, selector)
        for link in tuple(self.agent.transport.links):
            link.close("another certificate")
        for account in self.agent.accounts.values():
            account.forget_all()
        self.agent.dialogs.clear()
        return chosen

    patch.setattr(ConnectServer, "activate", cutting)


@defect(caught_by=("certificates/one-certificate-is-active",), says=("One certificate must be active",))
def lists_no_active_one(patch: pytest.MonkeyPatch) -> None:
    """The list does not show which certificate is the active one."""
    from simulator.connect_server.certificate_list import describe
    from simulator.sut import embedded

    def unmarked(*arguments: Any) -> Any:
        return replace(describe(*arguments), active=False)

    patch.setattr(embedded, "describe", unmarked)


@defect(caught_by=("certificates/added-certificate-is-listed-and-not-chosen[no-cn]",), says=("with the names",))
def lists_common_names_only(patch: pytest.MonkeyPatch) -> None:
    """The list shows the common name of a certificate as its only name, which Let's Encrypt leaves empty."""
    from simulator.connect_server.certificate_list import describe
    from simulator.sut import embedded

    def short(*arguments: Any) -> Any:
        info = describe(*arguments)
        return replace(info, names=(info.subject,) if info.subject else ())

    patch.setattr(embedded, "describe", short)


@defect(caught_by=("certificates/activated-certificate-is-shown[lets-encrypt-2026]",), also=("trust",))
def demands_client_authentication_of_itself(patch: pytest.MonkeyPatch) -> None:
    """The server activates no certificate without client authentication, and so none of Let's Encrypt."""
    from simulator.connect_server.suitability import Demands

    judge = Demands.fitness

    def strict(self: Any, *arguments: Any, **named: Any) -> Any:
        return judge(replace(self, rules=replace(self.rules, usage="both")), *arguments, **named)

    patch.setattr(Demands, "fitness", strict)


@defect(caught_by=("certificates/certificate-with-the-key-of-another",))
def takes_the_key_of_another(patch: pytest.MonkeyPatch) -> None:
    """The server takes a certificate with a private key that is not its own."""
    from simulator.connect_server import certificates, key_files

    check = key_files.check_key

    def lenient(content: bytes, leaf: Any) -> Any:
        found = check(content, leaf)
        if found.state is not key_files.KeyState.FOREIGN:
            return found
        return key_files.KeyFile(key_files.KeyState.READABLE, "", content)

    for module in (certificates, key_files):
        patch.setattr(module, "check_key", lenient)


@defect(caught_by=("certificates/partner-renews",), says=("nothing of the old one is kept",))
def holds_an_expired_certificate_against_the_partner(patch: pytest.MonkeyPatch) -> None:
    """The server never again accepts a partner whose certificate was refused once."""
    refused: dict[tuple[str, ...], Any] = {}

    def grudge(_presented: Any, verdict: Any) -> Any:
        if not verdict.accepted:
            refused.setdefault(verdict.names, verdict)
        return refused.get(verdict.names, verdict)

    verdicts(patch, grudge)


@defect(
    caught_by=("certificates/partner-forgets-to-renew",),
    also=("trust/refused-as-*[expired]", "routes/bad-certificate-*[expired]"),
)
def trusts_for_ever(patch: pytest.MonkeyPatch) -> None:
    """The server judges certificates by the time of its own start."""
    start = datetime.now(UTC)

    def late(presented: Any, verdict: Any) -> Any:
        if presented.certificates[0].not_valid_after_utc < start:
            return verdict
        return replace(verdict, reasons=tuple(one for one in verdict.reasons if one.kind is not ReasonKind.EXPIRED))

    verdicts(patch, late)


@defect(
    caught_by=("certificates/renewal-forgotten[sfb-2019]", "certificates/renewal-forgotten[teams]"), also=("trust",)
)
def persona_goes_by_the_first_time(patch: pytest.MonkeyPatch) -> None:
    """An edge does not notice that the server's certificate has ended."""
    from tests.defects.patches import forgive

    forgive(patch, ReasonKind.EXPIRED, of_server=False)
