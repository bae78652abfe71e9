"""In a storm Slack loses, doubles and shuffles what happens and cuts the lines; in the end all is as it should be."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.effects import OutboxState
from rules.model import EntryKind
from tests import stage
from tests.channels.test_slack_story import Play, a_play
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
SOAK = bool(os.environ.get("DESKBELL_SOAK"))
ACTS = 200 if SOAK else 20
SEEDS = range(5 if SOAK else 1)
STORM = {"drop": 0.3, "duplicate": 0.3, "late": 0.3, "late_by_s": 0.8, "disconnects_per_minute": 60.0}
"""More cuts than the five a minute that are promised, because a script lasts only seconds."""

QUICK = {"sweep_every_s": 600.0, "sweep_calls": 10_000}
HOLD = timedelta(minutes=30)
HABITS = replace(stage.a_policy().habits, undo_hold=HOLD)
"""Nothing leaves before the storm is over, however slow the machine."""

WORDS = (EntryKind.REPLIED, EntryKind.NOTED, EntryKind.EDITED, EntryKind.UNSAID)


@dataclass
class Script:
    """What Ana does under the card, by a seed: the same acts whatever the weather."""

    seed: int
    said: list[dict[str, Any]] = field(default_factory=list)
    looks: bool = False

    def play(self, slack: LoopbackSlack, root: str) -> None:
        """Write, edit, delete, lock and look, one after the other."""
        chance = random.Random(self.seed)
        for number in range(ACTS):
            act = chance.choice(("write", "write", "note", "edit", "edit", "delete", "look"))
            known = [one for one in self.said if not one["gone"]]
            if act == "look":
                self.look(slack, root)
            elif act in ("write", "note") or not known:
                text = f"{'note: ' if act == 'note' else ''}words {number}"
                self.said.append({"ts": slack.post("ana", "support", text, root)["ts"], "gone": False})
            elif act == "edit":
                slack.edit(
                    "ana", "support", chance.choice(known)["ts"], f"{chance.choice(('note: ', ''))}edited {number}"
                )
            else:
                gone = chance.choice(known)
                slack.delete("ana", "support", gone["ts"])
                gone["gone"] = True

    def look(self, slack: LoopbackSlack, root: str) -> None:
        """Put 👀 on the card, or take it away."""
        (slack.unreact if self.looks else slack.react)("ana", "support", root, "eyes")
        self.looks = not self.looks


async def outcome(seed: int, storm: bool) -> dict[str, Any]:
    """What is left of a script when all is quiet: the ticket, the last words by place, the mails, the marks."""
    with LoopbackSlack(MANIFEST, rate_limits=False, retry_delays_s=()) as slack:
        async with a_play(slack, connected=QUICK, habits=HABITS) as play:
            play.mail("The printer is on fire.")
            await slack.eventually(lambda: play.thread() and play.ticket().chat_thread, timeout_s=20)
            root = play.thread()[0]["ts"]
            await play.channel.sweep()
            if storm:
                slack.storm(seed=seed, **STORM)
            script = Script(seed)
            await asyncio.to_thread(script.play, slack, root)
            await slack.eventually(lambda: slack.under_way() == 0, timeout_s=30)
            if storm:
                damage = slack.calm()
                assert damage["lost"] > 0
            for _ in range(2):
                await play.channel.sweep()
                await slack.eventually(lambda: not waiting(play), timeout_s=30)
            play.clock.advance(HOLD)
            await slack.eventually(lambda: not held(play), timeout_s=30)
            return result(play, slack, script)


def waiting(play: Play) -> bool:
    """Whether something heard is still to be taken in."""
    with play.store.read() as store:
        return bool(store.inbox())


def held(play: Play) -> bool:
    """Whether something is still to leave."""
    with play.store.read() as store:
        return bool(store.outbox(states={OutboxState.QUEUED, OutboxState.SENDING}))


def result(play: Play, slack: LoopbackSlack, script: Script) -> dict[str, Any]:
    """Places by their number in the script, because time stamps differ from run to run."""
    ours = slack.channel("support")["id"]
    names = {f"{ours}:{one['ts']}": number for number, one in enumerate(script.said)}
    last: dict[int, tuple[str, str]] = {}
    for entry in play.journal():
        if entry.place in names and entry.kind in WORDS:
            number = names[entry.place]
            last[number] = (entry.kind.value, entry.text)
    left = [(number, one["ts"]) for number, one in enumerate(script.said) if not one["gone"]]
    marks = {number: tuple(play.reactions(ts)) for number, ts in left}
    ticket = play.ticket()
    return {
        "status": ticket.status,
        "assignee": ticket.assignee,
        "texts": Counter(text for kind, text in last.values() if kind != EntryKind.UNSAID.value),
        "mails": Counter(mail.text for mail in play.replies()),
        "marks": marks,
    }


@pytest.mark.timeout(1200 if SOAK else 240)
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_storm_leaves_what_fair_weather_leaves(seed: int) -> None:
    fair, foul = await outcome(seed, storm=False), await outcome(seed, storm=True)
    assert foul["mails"] == fair["mails"]
    assert foul == fair
