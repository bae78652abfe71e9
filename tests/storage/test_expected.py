"""What a batch of messages will ask for is told from the messages alone, before the store is asked anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.lateness import SUMMARY
from rules.model import Address, Decision, Link
from storage.expected import expected
from storage.sql.store import SqlStore
from tests.builders import MONDAY, a_customer, a_message, a_ticket, a_timer


def test_a_new_mail_asks_for_its_sender_its_id_and_whether_it_came_before() -> None:
    message = a_message(key="mail:support:1", message_id="<one@example.net>", sender=Address(email="Mei@Example.net"))
    asked = expected([message], channels=("mail:support", "mail:sales"))
    assert asked.seen == {"mail:support:1", "mail:sales:1"}
    assert asked.links == {"mid:<one@example.net>"}
    assert asked.customers == {"mei@example.net"}
    assert asked.tallies == {"address:mei@example.net", "domain:example.net"}
    assert asked.timers == {SUMMARY}


def test_an_answer_asks_for_the_tickets_that_it_names() -> None:
    message = a_message(
        subject="Re: [#17] Printer", in_reply_to=("<a@x>",), references=("<b@x>", "<a@x>"), message_id="<c@x>"
    )
    asked = expected([message])
    assert {"mid:<a@x>", "mid:<b@x>", "ref:<a@x>", "ref:<b@x>", "mid:<c@x>"} <= asked.links
    assert 17 in asked.tickets


@pytest.mark.parametrize("known", [True, False])
def test_what_is_expected_changes_no_answer(tmp_path: Path, *, known: bool) -> None:
    """Also when nothing of it is there, and when it changes inside the batch."""
    store = SqlStore(f"sqlite:///{tmp_path}/desk.db")
    message = a_message(message_id="<c@x>", in_reply_to=("<a@x>",))
    email = message.sender.email.lower()
    if known:
        with store.begin() as work:
            work.record(
                "before",
                Decision(
                    tickets=(a_ticket(1),), timers=(a_timer("t", ticket=1),), links=(Link(key="mid:<a@x>", ticket=1),),
                    customers=(a_customer(email, tickets=(1,)),),
                ),
            )  # fmt: skip
            work.commit()
    store.expect([message])
    with store.together():
        store.expect([message])
        with store.begin() as work:
            assert work.linked("mid:<a@x>") == (1 if known else None)
            assert (work.customer(email) is not None) is known
            assert [timer.key for timer in work.timers_of(1)] == (["t"] if known else [])
            assert not work.seen(message.key)
            number = work.next_number()
            work.record(
                message.key, Decision(tickets=(a_ticket(number),), timers=(a_timer("u", ticket=1, due_at=MONDAY),))
            )
            work.commit()
        with store.begin() as work:
            assert work.seen(message.key)
            assert "u" in [timer.key for timer in work.timers_of(1)]
            assert work.ticket(number) is not None
    assert store.verify() == ()
    store.close()
