"""What a user can offer beside a chat of two, for a server to refuse (dialect facts §4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chat.other_sessions import (
    SessionOffer,
    conference_offer,
    file_offer,
    media_offer,
    multiparty_headers,
    old_file_offer,
)
from simulator.io.account import Account
from simulator.io.actions import OfferKind
from simulator.io.chat_session import ChatSession
from simulator.outcome import Outcome
from simulator.sip.invite import InviteSession

if TYPE_CHECKING:
    from simulator.io.user_agent import UserAgent


async def send_offer(agent: UserAgent, account: Account, remote: str, kind: OfferKind) -> Outcome:
    """Send the INVITE; a session that is accepted is ended at once. Raises FederationFailed where nobody answered."""
    offer = _offer(agent, account, kind)
    writer = agent.writer
    headers = [*writer.invite_headers(account, remote, writer.new_conversation()), *offer.headers]
    if kind == "multiparty":
        headers = [(name, value) for name, value in headers if name not in ("EndPoints", "Roster-Manager")]
        headers += multiparty_headers([account.uri, remote, f"sip:third@{agent.fqdn}"])
    invite = writer.initial_request(
        "INVITE", account, remote, headers=headers, body=offer.body, content_type=offer.content_type
    )
    session = ChatSession(agent, account, remote, InviteSession.call(invite))
    response = await session.call()
    if response.status < 300:
        await session.bye()
    return Outcome(response.status < 300, response.status, response.reason, "invite")


def _offer(agent: UserAgent, account: Account, kind: OfferKind) -> SessionOffer:
    address = agent.writer.media_address
    match kind:
        case "conference":
            return conference_offer(f"{account.uri};gruu;opaque=app:conf:focus:id:0000")
        case "file":
            return file_offer(address)
        case "old-file":
            return old_file_offer(address)
        case "multiparty":
            return SessionOffer(*agent.writer.im_description())
        case "application-sharing":
            return media_offer(address, ("applicationsharing",))
        case "audio" | "video":
            return media_offer(address, ("audio",) if kind == "audio" else ("audio", "video"))
