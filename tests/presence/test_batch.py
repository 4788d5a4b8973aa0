"""Whom a Microsoft watcher asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import RemoteProtocolError
from simulator.presence import batch
from simulator.presence.batch import BatchAction, BatchSubscription, Wanted, read, single, write
from tests.presence.judge import mistakes

WATCHER = "sip:user1@contoso.com"
URIS = st.from_regex(r"sip:[a-z0-9.&'-]{1,12}@[a-z]{1,8}\.test", fullmatch=True)
ACTIONS = st.builds(
    BatchAction,
    st.lists(st.builds(Wanted, URIS, st.booleans()), min_size=1, max_size=4).map(tuple),
    st.lists(st.sampled_from(["calendarData", "contactCard", "note", "state", "services"]), min_size=1).map(tuple),
    st.sampled_from(["subscribe", "unsubscribe"]),
    st.integers(0, 2**32).map(str),
)
SUBSCRIPTIONS = st.builds(BatchSubscription, URIS, st.lists(ACTIONS, min_size=1, max_size=3).map(tuple))


@given(SUBSCRIPTIONS)
def test_a_request_is_read_as_it_was_written_and_is_valid(subscription: BatchSubscription) -> None:
    body = write(subscription)

    assert read(body) == subscription
    assert mistakes(batch.CONTENT_TYPE, body) == ""


def test_a_contact_elsewhere_is_asked_for_alone() -> None:
    subscription = single(WATCHER, "sip:user2@fabrikam.com", action_id="63792024")

    assert subscription.people == ("sip:user2@fabrikam.com",)
    assert subscription.categories == ("calendarData", "contactCard", "note", "state")


def test_who_is_unsubscribed_is_not_among_the_people() -> None:
    gone = BatchAction((Wanted("sip:a@x.test"),), ("note",), "unsubscribe", "1")
    asked = BatchAction((Wanted("sip:b@x.test"),), ("note", "state"), id="2")

    subscription = BatchSubscription(WATCHER, (gone, asked))

    assert subscription.people == ("sip:b@x.test",)
    assert subscription.categories == ("note", "state")


def test_the_long_form_of_a_new_contact_is_understood() -> None:
    body = (
        b'<batchSub uri="user1@contoso.com"><action id="1"><adhocList><resource uri="user2@x.test"><context>'
        b"<subscriptionContext><watcher><contactList/></watcher></subscriptionContext></context></resource></adhocList>"
        b'<categoryList><category name="state"/><category/></categoryList></action></batchSub>'
    )

    assert read(body) == BatchSubscription(
        WATCHER, (BatchAction((Wanted("sip:user2@x.test", added=True),), ("state",), id="1"),)
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not well-formed"),
        (b"<batch/>", "begins with <batch>"),
        (b"<batchSub uri='sip:u@x.test'/>", "names no <action>"),
        (b"<batchSub><action><adhocList><resource/></adhocList></action></batchSub>", "has no uri"),
        (b"<batchSub>" + b" " * batch.MAX_BATCH + b"</batchSub>", "over the limit"),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        read(body)
