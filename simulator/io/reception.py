"""What becomes of a request that was let in: it goes to its dialog, or begins something (RFC 3261 §8.2, §12.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import InvalidName, RemoteProtocolError
from simulator.io.account import Refusal
from simulator.io.admission import domain_of_user, sender_domain
from simulator.sip.dialog import Dialog
from simulator.sip.options import bad_extension

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.io.user_agent import UserAgent
    from simulator.sip.message import Request
    from simulator.sip.transaction import ServerTransaction


class Reception:
    """Passes the requests of a user agent on to who answers them."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent

    def take(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Handle a request that was let in."""
        try:
            self._dispatch(link, transaction, request)
        except (RemoteProtocolError, InvalidName) as error:
            status = error.status_hint if isinstance(error, RemoteProtocolError) else 400
            if not transaction.responded:
                self._agent.refuse(link, transaction, Refusal(status, "Bad Request", str(error)))
        except BaseException:
            # A mistake of ours must not look like a deaf peer: answer, and let the test see the error.
            if not transaction.responded:
                self._agent.respond(link, transaction, 500)
            raise

    def _dispatch(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        bad = bad_extension(request, self._agent.dialect.required_ok, as_proxy=self._agent.dialect.as_proxy)
        if bad is not None:
            self._agent.log(f"{request.method} requires {', '.join(bad.unsupported)}, which is not known here")
            self._agent.send_response(link, transaction, bad)
            return
        if request.to.tag is not None:
            self._dispatch_in_dialog(link, transaction, request)
            return
        match request.method:
            case "INVITE":
                self._agent.chats.on_invite(link, transaction, request)
            case "MESSAGE":
                self._agent.chats.on_page_message(link, transaction)
            case "SUBSCRIBE":
                self._agent.watches.on_subscribe(link, transaction, request)
            case "NOTIFY" | "BENOTIFY":
                self._unasked(request)
                self._refuse_dialog(link, transaction, "it is outside of any dialog")
            case "BYE" | "INFO" | "UPDATE":
                self._refuse_dialog(link, transaction, "it is outside of any dialog")
            case "OPTIONS":
                self._say_what_is_possible(link, transaction)
            case _:
                self._agent.not_allowed(link, transaction)

    def _dispatch_in_dialog(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        user = self._agent.dialogs.get(Dialog.id_of(request))
        if user is None and request.method in ("NOTIFY", "BENOTIFY"):
            user = self._agent.watches.waiting_for(request)
            if user is None and not self._agent.watches.was_asked_for(request):
                self._unasked(request)
        if user is None:
            self._refuse_dialog(link, transaction, "there is no such dialog")
        elif domain_of_user(user.peer) != sender_domain(request):
            # Who has learnt the tags of a dialog is not yet who holds it.
            self._refuse_dialog(link, transaction, f"the dialog is one with {user.peer}")
        elif request.method == "OPTIONS":
            self._say_what_is_possible(link, transaction)
        elif not self._agent.writer.is_our_route(request):
            sentence = "the route set is not valid: our Record-Route did not come back as it was"
            self._agent.refuse(link, transaction, self._agent.peering.refusal("route_set", sentence))
        else:
            user.on_request(link, transaction, request)

    def _say_what_is_possible(self, link: Link, transaction: ServerTransaction) -> None:
        self._agent.respond(link, transaction, 200, headers=[("Allow", ", ".join(self._agent.dialect.allow))])

    def _unasked(self, request: Request) -> None:
        """Remember a notification of a subscription that none of our users ever had."""
        self._agent.unasked.append(
            f"{request.uri} got a {request.method} from {request.from_.uri} without having subscribed."
        )

    def _refuse_dialog(self, link: Link, transaction: ServerTransaction, sentence: str) -> None:
        self._agent.refuse(link, transaction, self._agent.peering.refusal("no_dialog", sentence))
