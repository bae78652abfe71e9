"""What no event told is found by looking, and is then as if it had been told: nothing missed, nothing done twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rules.model import Author, AuthorKind, EntryKind
from rules.policy import ChatHabits
from tests.builders import a_ticket, an_entry
from tests.channels.slack_desk import ANA, BEN, FakeDesk, a_channel, a_policy, card_of, settled, told
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship; nothing is told a second time."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(), rate_limits=False) as running:
        yield running


def keys(desk: FakeDesk) -> set[str]:
    """What the desk heard, by name."""
    return {key for key in desk.known if key.startswith("heard:")}


async def test_words_that_no_event_told_are_found_and_taken_in_order(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await channel.sweep()
        await slack.eventually(lambda: settled(slack))
        slack.drop_events(2)
        for text in ("one", "two", "three"):
            slack.post("ana", "support", text, root)
        await slack.eventually(lambda: told(desk) == [("say", "three")])
        await channel.sweep()
        await slack.eventually(lambda: len(desk.obeyed) == 3 and not desk.waiting)
        assert told(desk) == [("say", "three"), ("say", "one"), ("say", "two")]
        await channel.sweep()
        assert len(desk.known) == len(desk.asked) == 3


@pytest.mark.parametrize("fault", [{"error": "unknown_method"}, {"status": 404}])
async def test_a_server_that_lists_no_conversations_is_swept_all_the_same(
    slack: LoopbackSlack, fault: dict[str, int | str]
) -> None:
    """The slow round begins with that list; what it finds elsewhere must not depend on it."""
    slack.do("fault", method="conversations.list", times=1000, **fault)
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await channel.sweep()
        await slack.eventually(lambda: settled(slack))
        slack.drop_events(1)
        slack.react("ana", "support", root, "eyes")
        await channel.sweep()
        await slack.eventually(lambda: [command.name for command in desk.obeyed] == ["claim"] and not desk.waiting)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_sweep_names_things_as_events_do(slack: LoopbackSlack, lost: bool) -> None:
    """Told or found, a message, its edit and what somebody puts on it have the same names."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await channel.sweep()
        if lost:
            slack.drop_events(1000)
        said = slack.post("ana", "support", "on its wya", root)
        slack.edit("ana", "support", said["ts"], "on its way")
        slack.react("ana", "support", root, "eyes")
        await slack.eventually(lambda: settled(slack) or lost)
        await channel.sweep()
        await slack.eventually(lambda: not desk.waiting and len(desk.asked) >= 3)
        base = f"slack:{slack.team_id}:{slack.channel('support')['id']}"
        edition = slack.message("support", said["ts"])["edited"]["ts"]
        assert {command.key for command in desk.obeyed} == {
            f"{base}:{said['ts']}",
            f"{base}:{said['ts']}:edited:{edition}",
            f"{base}:{root}:{slack.user('ana')['id']}:eyes:+0",
        }


async def test_a_reaction_counts_once_however_it_came_to_be_known(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await channel.sweep()
        slack.react("ana", "support", root, "eyes")
        await slack.eventually(lambda: told(desk) == [("claim", "")])
        await channel.sweep()
        slack.unreact("ana", "support", root, "eyes")
        await slack.eventually(lambda: settled(slack) and not desk.waiting)
        slack.drop_events(1)
        slack.react("ana", "support", root, "eyes")
        await channel.sweep()
        await slack.eventually(lambda: len(desk.obeyed) == 2 and not desk.waiting)
        base = f"slack:{slack.team_id}:{slack.channel('support')['id']}:{root}:{slack.user('ana')['id']}:eyes"
        assert [command.key for command in desk.obeyed] == [f"{base}:+0", f"{base}:+1"]


@pytest.mark.parametrize("who", ["ana", "ben"])
async def test_a_deletion_that_nobody_told_is_found_by_what_the_journal_has(slack: LoopbackSlack, who: str) -> None:
    """Also of somebody whom the configuration knows by address alone."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post(who, "support", "he is a pain", root)
        await slack.eventually(lambda: desk.obeyed and not desk.waiting)
        place = f"{slack.channel('support')['id']}:{said['ts']}"
        author = Author(kind=AuthorKind.STAFF, key=who, name=who)
        written = replace(an_entry(7), kind=EntryKind.REPLIED, author=author, place=place)
        desk.journal[7] = (*desk.journal[7], written)
        await channel.sweep()
        before = keys(desk)
        slack.drop_events(1)
        slack.delete(who, "support", said["ts"])
        await channel.sweep()
        assert keys(desk) - before == {f"heard:slack:{slack.team_id}:{place}:deleted"}
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        assert [command.actor.staff for command in desk.obeyed] == [who, who]


async def test_what_was_said_while_the_desk_was_down_is_taken_in_from_where_it_stopped(slack: LoopbackSlack) -> None:
    desk, ours = FakeDesk(), slack.channel("support")["id"]
    staff = (replace(ANA, slack=slack.user("ana")["id"]), BEN)
    requests = slack.add_channel("help", ["eve"])["id"]
    policy = a_policy(staff=staff, chat=ChatHabits(channel=ours, requests=(requests,)))
    slack.post("eve", "help", "long before the desk came")
    async with a_channel(slack, desk, policy=policy) as channel:
        root = await card_of(slack, desk, channel)
        await channel.sweep()
        assert keys(desk) == set()
    for hour in range(3):
        slack.post("ana", "support", f"hour {hour}", root)
    asked = slack.post("eve", "help", "my screen is black")
    async with a_channel(slack, desk, policy=policy) as channel:
        await channel.sweep()
        await slack.eventually(lambda: len(desk.obeyed) == 3)
    assert [text for _, text in told(desk)] == ["hour 0", "hour 1", "hour 2"]
    assert any(key.endswith(asked["ts"]) for key in keys(desk))
    assert len(keys(desk)) == 4


async def test_threads_that_did_not_move_are_not_read_again(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        for number in range(1, 4):
            root = await card_of(slack, desk, channel, number)
        for ticket in desk.tickets.values():
            slack.post("ana", "support", "on it", (ticket.chat_thread or "").partition(":")[2])
        await channel.sweep()
        await channel.sweep()
        read = len(slack.calls("conversations.replies"))
        slack.post("ana", "support", "more", root)
        desk.tickets.clear()
        await channel.sweep()
        assert len(slack.calls("conversations.replies")) - read == 1


async def test_a_sweep_keeps_to_its_calls_a_minute_and_waits_when_slack_asks_to(slack: LoopbackSlack) -> None:
    desk, waits, now = FakeDesk(), [], [1000.0]

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    async with a_channel(slack, desk) as channel:
        assert channel._sweep is not None
        reads = channel._sweep.reads
        reads.sleep, reads.monotonic = wait, lambda: now[0]
        for number in range(1, 30):
            await card_of(slack, desk, channel, number)
        slack.fault("conversations.history", times=1, retry_after_s=30)
        await channel.sweep()
        assert waits[0] == 30.0
        assert sum(waits) >= 60.0
        made = list(reads.made_at)
        assert all(sum(1 for other in made if at <= other < at + 60) <= 20 for at in made)


async def test_a_channel_that_cannot_be_read_does_not_hide_the_others(slack: LoopbackSlack) -> None:
    desk, ours = FakeDesk(), slack.channel("support")["id"]
    staff = (replace(ANA, slack=slack.user("ana")["id"]), BEN)
    policy = a_policy(staff=staff, chat=ChatHabits(channel=ours, requests=("C0GONE",)))
    async with a_channel(slack, desk, policy=policy) as channel:
        root = await card_of(slack, desk, channel)
        await channel.sweep()
        slack.drop_events(1)
        slack.post("ana", "support", "on it", root)
        await channel.sweep()
        await slack.eventually(lambda: told(desk) == [("say", "on it")])


async def test_the_sweep_goes_round_after_each_reconnect(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, sweep_every_s=600.0) as channel:
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: desk.cursors and settled(slack))
        slack.drop_events(1)
        slack.post("ana", "support", "on its way", root)
        slack.cut_connections()
        await slack.eventually(lambda: told(desk) == [("say", "on its way")], timeout_s=20)


async def test_what_was_said_before_somebody_made_a_ticket_of_it_is_not_said_to_the_desk(slack: LoopbackSlack) -> None:
    """🎫 on a message: the talk before it is context, the words after it are for the desk."""
    desk, here = FakeDesk(), slack.add_channel("lobby", ["eve", "ana"])["id"]
    async with a_channel(slack, desk) as channel:
        first = slack.post("eve", "lobby", "my screen is black")
        slack.post("ana", "lobby", "since when?", first["ts"])
        await slack.eventually(lambda: settled(slack))
        room, opened = f"{here}:{first['ts']}", datetime.fromtimestamp(slack.now() + 30, UTC)
        desk.tickets[9] = replace(a_ticket(9, opened_at=opened), asked_in=room, asker=slack.user("eve")["id"])
        desk.threads[room] = 9
        await channel.sweep()
        assert keys(desk) == set()
        desk.tickets[9] = replace(
            desk.tickets[9], opened_at=datetime.fromtimestamp(slack.now(), UTC) - timedelta(hours=1)
        )
        await channel.sweep()
        assert len(keys(desk)) == 1


async def test_when_slack_says_that_it_leaves_out_events_they_are_looked_for(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, sweep_every_s=600.0) as channel:
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: desk.cursors and settled(slack))
        slack.drop_events(1)
        slack.post("ana", "support", "on its way", root)
        slack.tell_app_rate_limited()
        await slack.eventually(lambda: told(desk) == [("say", "on its way")])
        await slack.eventually(lambda: slack.deliveries()[-1]["state"] == "confirmed")


async def test_a_reaction_that_was_seen_is_one_on_the_words_that_were_seen_with_it(slack: LoopbackSlack) -> None:
    """✉️ found by looking, while the edit it was put on is still to be taken in: it does not overtake the edit."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "note: he is a pain", root)
        await slack.eventually(lambda: told(desk) == [("say", "note: he is a pain")] and not desk.waiting)
        await channel.sweep()
        slack.drop_events(2)
        slack.edit("ana", "support", said["ts"], "on its way")
        slack.react("ana", "support", said["ts"], "email")
        await channel.sweep()
        await slack.eventually(lambda: len(desk.obeyed) == 3)
        assert [name for name, _ in told(desk)] == ["say", "say", "send"]


async def test_a_reaction_that_comes_while_the_desk_first_looks_counts_and_one_that_stood_does_not(
    slack: LoopbackSlack,
) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root, other = await card_of(slack, desk, channel), await card_of(slack, desk, channel, 8)
        slack.drop_events(1)
        slack.react("ana", "support", other, "eyes")
        slack.hold_events()
        slack.react("ana", "support", root, "eyes")
        await channel.sweep()
        assert told(desk) == []
        slack.release_events()
        await slack.eventually(lambda: told(desk) == [("claim", "")])
        await channel.sweep()
        for target in (root, other):
            slack.unreact("ana", "support", target, "eyes")
            slack.react("ana", "support", target, "eyes")
        await slack.eventually(lambda: slack.under_way() == 0 and not desk.waiting and len(desk.obeyed) == 3)
        assert sorted(command.ticket or 0 for command in desk.obeyed) == [7, 7, 8]


async def test_one_ticket_with_many_words_outside_its_threads_does_not_use_up_the_calls_of_all(
    slack: LoopbackSlack,
) -> None:
    """Somebody asks line by line in a channel of requests: each line stands in no thread and has to be asked for."""
    desk, ours = FakeDesk(), slack.channel("support")["id"]
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        ana = Author(kind=AuthorKind.STAFF, key="ana", name="Ana")
        lines = [slack.post("eve", "support", f"line {number}")["ts"] for number in range(40)]
        written = [replace(an_entry(7), author=ana, place=f"{ours}:{ts}") for ts in lines]
        desk.journal[7] = (*desk.journal[7], *written)
        await channel.sweep()
        before = len(slack.calls("conversations.replies"))
        await channel.sweep()
        assert len(slack.calls("conversations.replies")) - before <= 15
        slack.drop_events(1)
        slack.delete("eve", "support", lines[-1])
        await channel.sweep()
        assert any(key.endswith(f"{lines[-1]}:deleted") for key in keys(desk))


async def test_many_threads_are_looked_at_in_turn_and_the_busy_ones_sooner(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, sweep_calls=10_000) as channel:
        assert channel._sweep is not None
        for number in range(1, 51):
            await card_of(slack, desk, channel, number)
            later = timedelta(seconds=number)
            desk.tickets[number] = replace(desk.tickets[number], updated_at=desk.tickets[number].updated_at + later)
        read, rounds = [], []
        for _ in range(3):
            before = len(slack.calls("conversations.replies"))
            await channel._sweep.round()
            seen = [call["arguments"]["ts"] for call in slack.calls("conversations.replies")[before:]]
            read += seen
            rounds.append(len(seen))
        roots = {number: (desk.tickets[number].chat_thread or "").partition(":")[2] for number in desk.tickets}
        assert set(read) == set(roots.values()), "each was looked at"
        assert rounds == [30, 30, 10], "and never too many in one round"
        assert read.count(roots[50]) == 2
        assert read.count(roots[1]) == 1
