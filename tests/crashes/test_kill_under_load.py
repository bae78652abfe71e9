"""A desk that is killed again and again under load loses nothing that it confirmed and does nothing twice.

Complaints 14 (250 only for what is kept), 21 (one reply, once) and 91 (a store that a kill damages).
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from rules.effects import Mail, OutboxEntry, OutboxState
from storage.protocol import Store
from tests.crashes.evidence import MaildirOutside, Marksman, RelayOutside, Window
from tests.crashes.loader import Load
from tests.crashes.places import TINYDB, Place
from tests.crashes.promises import check_effects, check_mails, message_id, twice
from tests.end_to_end.parts import DeskProcess, mails_in, until
from tests.end_to_end.relay import RelayProcess

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
KILLS = 200 if SOAK else 20
RELAY_KILLS = 40 if SOAK else 6
EACH_WINDOW = 10 if SOAK else 1
SEED = 20260320


def kill_again_and_again(marksman: Marksman, kills: int) -> None:
    """Kill the desk so often; then go on, for a while, until every window was hit often enough."""
    quick = not SOAK and marksman.place.kind != TINYDB
    kills = kills // 4 if quick else kills
    while marksman.kills < kills or (
        not quick and min(marksman.fell[one] for one in Window) < EACH_WINDOW and marksman.kills < 2 * kills
    ):
        if marksman.chance.random() < 0.15:
            marksman.kill_at_start()
        marksman.desk.start()
        marksman.kill_once()


def mails_owed(store: Store) -> list[OutboxEntry]:
    """Every mail of the outbox, delivered or not."""
    with store.read() as look:
        return [entry for entry in look.outbox() if isinstance(entry.content, Mail)]


def check_store(place: Place, desk: DeskProcess, load: Load) -> list[OutboxEntry]:
    """Stop the desk and look at all it wrote down; gives the mails it owed."""
    assert desk.stop() == 0
    verified = desk.command("verify", "--json")
    assert (verified.code, verified.lines[-1]["problems"]) == (0, 0), verified.out
    with place.kept() as store:
        check_mails(store, load)
        check_effects(store, load)
        return mails_owed(store)


@pytest.mark.timeout(2900 if SOAK else 480)
def test_a_desk_killed_under_load_keeps_every_mail_it_confirmed_and_does_nothing_twice(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every mail answered 250 is one ticket entry; every mail owed lies once in the Maildir; the store verifies."""
    chance = random.Random(SEED)
    load = Load(chance)
    with place.desk() as desk:
        marksman = Marksman(place, desk, load, MaildirOutside(desk.maildir), chance)
        kill_again_and_again(marksman, KILLS)
        desk.start()
        place.settle(marksman.written)
        owed = check_store(place, desk, load)
        delivered = [mail["Message-ID"] for mail in mails_in(desk.maildir)]
        assert twice(delivered) == []
        assert {mail.state for mail in owed} == {OutboxState.ACCEPTED}
        assert sorted(delivered) == sorted(message_id(mail) for mail in owed)
    tell(capsys, f"{marksman.report()}. {len(delivered)} mails in the Maildir, none twice, none missing.")
    if SOAK or place.kind == TINYDB:
        assert {one.value: marksman.fell[one] for one in Window if marksman.fell[one] < EACH_WINDOW} == {}


@pytest.mark.timeout(1200 if SOAK else 480)
def test_no_mail_reaches_a_relay_twice_by_itself_and_what_cannot_be_known_is_left_to_a_person(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A relay cannot be asked what it took: mails it may have are uncertain until a person sends them again."""
    chance = random.Random(SEED)
    load = Load(chance)
    with (
        RelayProcess(tmp_path / "relay", slow_ms=20) as relay,
        place.desk(mail={"smtp_out": relay.way_out}) as desk,
    ):
        marksman = Marksman(place, desk, load, RelayOutside(relay), chance)
        kill_again_and_again(marksman, RELAY_KILLS)
        desk.start()
        place.settle(marksman.written)
        uncertain = [line["key"] for line in desk.outbox(everything=False)]
        check_relay(relay, desk, uncertain)
        owed = check_store(place, desk, load)
        there = {mail["Message-ID"] for mail in relay.mails()}
        wanting = [mail.key for mail in owed if message_id(mail) not in there]
        assert set(wanting) <= set(uncertain)
        desk.start()
        for key in wanting:
            assert desk.ask("outbox retry", key=key)[-1] == {"exit": 0}
        until(lambda: len(relay.mails()) >= len(there) + len(wanting), "what a person sent again", within_s=60)
        assert twice(mail["Message-ID"] for mail in relay.mails()) == []
        assert {mail["Message-ID"] for mail in relay.mails()} == {message_id(mail) for mail in owed}
    tell(capsys, f"Relay, {marksman.report()}. {len(owed)} mails, none twice; {len(uncertain)} left to a person.")


def tell(capsys: pytest.CaptureFixture[str], report: str) -> None:
    """Say it to whoever runs the tests, also when they run in several processes (only their stderr is heard)."""
    with capsys.disabled():
        sys.stderr.write(f"\n{report}\n")


def check_relay(relay: RelayProcess, desk: DeskProcess, uncertain: list[str]) -> None:
    """No mail came twice; what counts as accepted came; only mails are uncertain, and they are shown with a reason."""
    came = [mail["Message-ID"] for mail in relay.mails()]
    assert twice(came) == []
    assert uncertain
    shown = {line["key"]: line for line in desk.outbox()}
    assert {shown[key]["state"] for key in uncertain} == {"uncertain"}
    assert all(shown[key]["problem"] for key in uncertain)
    accepted = [line for line in shown.values() if line["kind"] == "mail" and line["state"] == "accepted"]
    assert len(accepted) <= len(came) <= len(accepted) + len(uncertain)
