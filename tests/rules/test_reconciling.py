"""Every mail on the server is something, or is named as nothing (complaint 1)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rules.effects import Mail, Post
from rules.reconciling import ARRIVING, CLASSES, class_of, on_proof, prove
from tests.builders import MONDAY
from tests.stage import a_policy

OUTCOMES = ["opened", "joined", "automatic:bounce", "also_received", "duplicate", "own", "left_alone", "held", "odd"]


@given(
    st.dictionaries(st.integers(1, 60), st.sampled_from(OUTCOMES)),
    st.frozensets(st.integers(1, 80)),
    st.dictionaries(st.integers(1, 80), st.integers(0, 30)),
)
def test_the_sum_is_always_what_lies_on_the_server(
    outcomes: dict[int, str], uids: frozenset[int], ages: dict[int, int]
) -> None:
    """On server = tickets + replies + … + unexplained, and no message without an outcome is explained away."""
    arrived = {uid: MONDAY - timedelta(minutes=age) for uid, age in ages.items()}
    proof = prove("support", uids, outcomes, arrived, MONDAY)
    assert proof.on_server == len(uids) == sum(proof.counts.values()) + len(proof.unexplained)
    assert set(proof.counts) <= set(CLASSES)
    old = {uid for uid in uids - outcomes.keys() if uid not in arrived or MONDAY - arrived[uid] >= ARRIVING}
    assert set(proof.unexplained) == old


def test_what_a_mail_became_is_counted_in_the_words_of_the_trade() -> None:
    """An outcome that nobody has heard of is counted as other, not as lost."""
    assert [class_of(outcome) for outcome in OUTCOMES] == [
        "tickets", "replies", "automatic", "copies", "copies", "own", "left_alone", "held", "other",
    ]  # fmt: skip


def test_mail_that_came_this_minute_is_not_called_lost() -> None:
    """The server has it before the desk does."""
    proof = prove("support", [1, 2], {1: "opened"}, {2: MONDAY - timedelta(minutes=1)}, MONDAY)
    assert (proof.counts, proof.unexplained) == ({"tickets": 1, "arriving": 1}, ())


def test_staff_are_told_of_mail_that_nothing_explains_in_chat_and_by_mail_once_a_day() -> None:
    """The same names whenever the day's comparison is made again."""
    desk = a_policy()
    proof = prove("support", [1, 2, 3], {1: "opened"}, {}, MONDAY)
    decision = on_proof(proof, desk, MONDAY)
    post, *mails = decision.outbox
    assert isinstance(post.content, Post)
    assert "support" in post.content.text
    assert "2, 3" in post.content.text
    leads = {person.email for person in desk.contacts_for("lead", None, None)}
    assert {address for one in mails if isinstance(one.content, Mail) for address in one.content.to} == leads
    later = on_proof(proof, desk, MONDAY + timedelta(hours=3))
    assert [one.key for one in later.outbox] == [one.key for one in decision.outbox]
    assert decision.proofs == (proof,)


def test_a_mailbox_in_order_bothers_nobody() -> None:
    """It is shown in the digest."""
    decision = on_proof(prove("support", [1], {1: "joined"}, {}, MONDAY), a_policy(), MONDAY)
    assert decision.outbox == ()
    assert decision.proofs[0].counts == {"replies": 1}
