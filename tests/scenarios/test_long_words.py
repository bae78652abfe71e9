"""A very long request: the card shows its beginning, the thread all the rest (issue SLACK: 2,500 characters)."""

from __future__ import annotations

from channels.chat.cards import card, opening_of
from channels.chat.posts import post
from tests.loopback_slack.blocks import accept_message_blocks
from tests.stage import Stage, a_stage


def rest(stage: Stage) -> list[str]:
    """What stands under the card of the customer's words."""
    return [one.quote for one in stage.posts(1) if one.quote]


def on_card(stage: Stage) -> str:
    """What the card shows of them."""
    made = card(stage.ticket(), policy=stage.policy, opening=opening_of(stage.entries()), last=None, now=stage.clock.at)
    return "".join(leaf["text"] for leaf in made.blocks[2]["elements"][0]["elements"])


def test_card_and_thread_together_have_every_word() -> None:
    words = [f"word{number}" for number in range(3000)]
    stage = a_stage()
    stage.mail(" ".join(words))
    shown = on_card(stage).split() + " ".join(rest(stage)).split()
    assert set(words) <= set(shown)
    assert len(rest(stage)) > 1
    for one in stage.posts(1):
        accept_message_blocks(post(one, stage.policy).blocks)


def test_a_short_request_has_nothing_under_its_card() -> None:
    stage = a_stage()
    stage.mail("x" * 2400)
    assert rest(stage) == []
    assert "…" not in on_card(stage)


def test_letters_that_count_double_are_not_left_out_between_card_and_thread() -> None:
    smiles = "".join(chr(0x1F600 + number % 60) for number in range(4000))
    stage = a_stage()
    stage.mail(smiles)
    start = on_card(stage).partition("…")[0]
    rests = "".join(rest(stage))
    assert smiles.startswith(start)
    assert smiles.endswith(rests)
    assert len(start) + len(rests) >= len(smiles)
    for one in stage.posts(1):
        accept_message_blocks(post(one, stage.policy).blocks)


def test_what_is_longer_than_a_thread_should_be_says_where_it_is_whole() -> None:
    stage = a_stage()
    stage.mail("word " * 40_000)
    assert len(rest(stage)) == 12
    assert "deskbell ticket show 1" in [one.text for one in stage.posts(1) if one.quote][-1]
