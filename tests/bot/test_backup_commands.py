"""`deskbell backup`, `restore` and `transfer`, as whoever types them meets them: with a desk that runs, and killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.stores import open_store
from rules.effects import OutboxState
from storage.backup import backups_in
from storage.content import sums_of
from tests.builders import MONDAY, an_outbox_entry
from tests.end_to_end.parts import OURS, DeskProcess, Finished, configuration, letter, mails_in, until
from tests.storage.whole_desks import answers, fill, record, take_in

pytestmark = pytest.mark.timeout(240)

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
KILLS = 40 if SOAK else 3


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskProcess]:
    """A desk that is not started yet, and its configuration."""
    with DeskProcess(tmp_path / "old", configuration()) as made:
        written(made)
        yield made


def written(desk: DeskProcess, **changes: Any) -> DeskProcess:
    """Its configuration is in its folder."""
    desk.folder.mkdir(exist_ok=True)
    desk.config = {**configuration(), **changes}
    (desk.folder / "config.yaml").write_text(json.dumps(desk.config))
    return desk


def elsewhere(folder: Path, url: str = "tinydb:./data") -> DeskProcess:
    """A new machine with the same configuration, but for where everything is written down."""
    return written(DeskProcess(folder, configuration()), storage={"url": url})


def filled(desk: DeskProcess) -> None:
    """It has some of everything."""
    store = open_store(f"tinydb:{desk.data}")
    fill(store)
    store.close()


def mail(desk: DeskProcess, *names: str) -> None:
    """Customers write, each once."""
    with smtplib.SMTP(*desk.smtp()) as line:
        for name in names:
            line.sendmail(
                f"{name}@customer.test", [OURS],
                letter(f"{name}@customer.test", f"Printer {name}", "Help", message_id=f"<{name}@customer.test>"),
            )  # fmt: skip


def answered(desk: DeskProcess) -> list[str]:
    """Which customers were mailed, as often as they were."""
    return sorted(str(one["To"]).partition("@")[0] for one in mails_in(desk.maildir))


def subjects(desk: DeskProcess) -> list[str]:
    done = desk.command("ticket", "list", "--json")
    assert done.code == 0, done.err
    return [line["subject"] for line in done.lines]


def ok(done: Finished) -> Finished:
    assert done.code == 0, done.err
    return done


def refused(done: Finished, why: str, code: int = 1) -> None:
    """One sentence, and no traceback."""
    assert (done.code, why in done.err, "Traceback" in done.err) == (code, True, False), done.err


def test_a_running_desk_is_backed_up_restored_elsewhere_and_goes_on(desk: DeskProcess, tmp_path: Path) -> None:
    """Nobody is mailed twice, links and numbers go on, and what came after the backup is not there."""
    desk.start()
    mail(desk, "ann", "bob")
    until(lambda: answered(desk) == ["ann", "bob"], "two acknowledgements")
    until(lambda: not desk.outbox(everything=False), "all to be settled")
    made = ok(desk.command("backup", str(tmp_path / "backups"), "--json")).lines[-1]["backup"]
    mail(desk, "cyn")
    until(lambda: answered(desk) == ["ann", "bob", "cyn"], "a third acknowledgement")
    assert desk.stop() == 0
    secret = (desk.data / "secret.key").read_text()

    with elsewhere(tmp_path / "new") as new:
        said = ok(new.command("restore", made, "--json")).lines[-1]
        assert (said["rows"]["tickets"], said["left_to_a_person"]) == (2, 0)
        assert (new.data / "secret.key").read_text() == secret
        assert (new.data / "restored-config.yaml").read_text() == (desk.folder / "config.yaml").read_text()
        new.start()
        mail(new, "ann", "dan")
        until(lambda: "dan" in answered(new), "an acknowledgement")
        assert answered(new) == ["dan"], "ann's mail is known, and was answered before the backup"
        assert subjects(new) == ["Printer ann", "Printer bob", "Printer dan"]
        assert ok(new.command("verify")).code == 0


def test_what_waited_is_left_to_a_person_after_a_restore(desk: DeskProcess, tmp_path: Path) -> None:
    store = open_store(f"tinydb:{desk.data}")
    take_in(store, 1)
    reply = an_outbox_entry("1:reply", ticket=1, lane="reply")
    record(store, "owes", outbox=(reply, an_outbox_entry("1:later", lane="later", due_at=MONDAY + timedelta(hours=1))))
    store.claim(MONDAY)
    store.close()
    made = ok(desk.command("backup", str(tmp_path / "backups"))).out.split()[1].rstrip(";")

    with elsewhere(tmp_path / "new") as new:
        done = ok(new.command("restore", made))
        assert "3 effects waited to be sent and may have left since" in done.out
        lines = ok(new.command("outbox", "list", "--json")).lines
        assert {line["key"]: line["state"] for line in lines} == dict.fromkeys(
            ("1:ack", "1:reply", "1:later"), "uncertain"
        )
    with elsewhere(tmp_path / "same") as same:
        ok(same.command("restore", made, "--as-it-was"))
        store = open_store(f"tinydb:{same.data}")
        with store.read() as look:
            states = {entry.key: entry.state for entry in look.outbox()}
        assert (states["1:reply"], states["1:later"]) == (OutboxState.SENDING, OutboxState.QUEUED)
        store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_goes_into_a_database_and_one_of_it_back(
    kind: str, desk: DeskProcess, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With a desk that runs on the database while it is backed up."""
    filled(desk)
    url = "sqlite:///desk.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    ok(desk.command("backup", str(tmp_path / "one")))
    with elsewhere(tmp_path / "new", url) as new:
        ok(new.command("restore", str(tmp_path / "one"), "--as-it-was"))
        refused(new.command("restore", str(tmp_path / "one")), "already holds a desk")
        new.start()
        mail(new, "ann")
        ok(new.command("backup", str(tmp_path / "two"), within_s=120))
        assert new.stop() == 0
    with elsewhere(tmp_path / "back") as back:
        ok(back.command("restore", str(tmp_path / "two")))
        assert "Printer ann" in subjects(back)
        assert len(subjects(back)) == 8
        assert ok(back.command("verify")).code == 0


def test_a_restore_puts_nothing_over_a_desk_that_is_there(desk: DeskProcess, tmp_path: Path) -> None:
    filled(desk)
    ok(desk.command("backup", str(tmp_path / "backups")))
    with elsewhere(tmp_path / "new") as new:
        new.start()
        mail(new, "ann")
        refused(new.command("restore", str(tmp_path / "backups")), "is in use by process")
        refused(new.command("restore", str(tmp_path / "backups"), "--replace"), "is in use by process")
        assert new.stop() == 0
        refused(new.command("restore", str(tmp_path / "backups")), "already holds a desk")
        assert subjects(new) == ["Printer ann"]
        ok(new.command("restore", str(tmp_path / "backups"), "--replace"))
        assert len(subjects(new)) == 7
        (aside,) = new.data.glob("replaced-*")
        shutil.move(aside, tmp_path / "aside")
        store = open_store(f"tinydb:{tmp_path / 'aside'}")
        with store.read() as look:
            assert [ticket.subject for ticket in look.tickets()] == ["Printer ann"]
        store.close()


def test_a_damaged_backup_restores_nothing(desk: DeskProcess, tmp_path: Path) -> None:
    filled(desk)
    ok(desk.command("backup", str(tmp_path / "backups")))
    (made,) = backups_in(tmp_path / "backups")
    file = max((made / "files").iterdir(), key=lambda one: one.stat().st_size)
    bad = bytearray(file.read_bytes())
    bad[99] ^= 1
    file.unlink()
    file.write_bytes(bytes(bad))
    with elsewhere(tmp_path / "new") as new:
        refused(new.command("restore", str(made)), f"files/{file.name}")
        assert not list(new.data.glob("desk-*"))
        assert not list(new.data.glob(".restoring*"))
        refused(new.command("restore", str(tmp_path)), "is not a backup")


def test_a_sealed_one_needs_its_key(desk: DeskProcess, tmp_path: Path) -> None:
    filled(desk)
    (tmp_path / "key").write_text("a long passphrase\n")
    (tmp_path / "other").write_text("another")
    (tmp_path / "empty").write_text("\n")
    to = str(tmp_path / "backups")
    ok(desk.command("backup", to, "--key-file", str(tmp_path / "key")))
    refused(desk.command("backup", to, "--key-file", str(tmp_path / "empty")), "is empty", 2)
    with elsewhere(tmp_path / "new") as new:
        refused(new.command("restore", to), "give its key")
        refused(new.command("restore", to, "--key-file", str(tmp_path / "other")), "the key is not the one")
        written(new, backup={"to": "./b", "key": {"env": "BACKUP_KEY"}})
        new.env = {"BACKUP_KEY": "a long passphrase"}
        ok(new.command("restore", to))
        assert len(subjects(new)) == 7


def test_old_backups_go(desk: DeskProcess, tmp_path: Path) -> None:
    filled(desk)
    to = tmp_path / "backups"
    for name in ("desk-20200101T000000Z", "desk-20200102T000000Z"):
        (to / name).mkdir(parents=True)
        (to / name / "manifest.json").write_text("{}")
    said = ok(desk.command("backup", str(to), "--keep", "2", "--json")).lines[-1]
    assert said["removed"] == [str(to / "desk-20200101T000000Z")]
    assert len(backups_in(to)) == 2


def test_a_transfer_moves_the_desk_and_it_goes_on(desk: DeskProcess, tmp_path: Path, postgres_url: str) -> None:
    desk.start()
    mail(desk, "ann", "bob")
    until(lambda: answered(desk) == ["ann", "bob"], "two acknowledgements")
    refused(desk.command("transfer", "--to", postgres_url), "is in use by process")
    assert desk.stop() == 0
    done = ok(desk.command("transfer", "--to", postgres_url))
    assert done.out.count("same on both sides") == 16
    assert f'storage: {{url: "{postgres_url}"}}' in done.out
    refused(desk.command("transfer", "--to", postgres_url), "not empty")
    refused(desk.command("transfer", "--to", "mysql://there"), "is not a store of this version", 2)
    refused(desk.command("transfer", "--to", "tinydb:./data"), "where the desk is already")

    written(desk, storage={"url": postgres_url}).start()
    mail(desk, "ann", "cyn")
    until(lambda: "cyn" in answered(desk), "an acknowledgement")
    assert answered(desk) == ["ann", "bob", "cyn"]
    refused(desk.command("transfer", "--to", "tinydb:./again"), "A desk runs on this database")
    assert desk.stop() == 0
    ok(desk.command("transfer", "--to", "tinydb:./again"))
    written(desk, storage={"url": "tinydb:./again"})
    assert subjects(desk) == ["Printer ann", "Printer bob", "Printer cyn"]


def test_there_is_nothing_to_move_where_no_desk_is(desk: DeskProcess) -> None:
    refused(desk.command("transfer", "--to", "sqlite:///x.db"), "There is no desk in")
    assert not desk.data.exists()


def larger(desk: DeskProcess) -> None:
    """So much that a command on it can be killed in its middle."""
    store = open_store(f"tinydb:{desk.data}")
    fill(store)
    with store.together():
        for number in range(8, 600 if SOAK else 150):
            take_in(store, number)
    store.close()


def killed(desk: DeskProcess, again: Callable[[], Any], *words: str) -> int:
    """The command is killed at random moments, again and again; how often that hit it at its work."""
    chance, hit = random.Random(20260323), 0
    for _ in range(KILLS):
        again()
        command = [sys.executable, "-m", "bot", *words, "--config", str(desk.folder / "config.yaml")]
        process = subprocess.Popen(command, cwd=desk.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(0.3 + chance.random() * 1.5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            hit += 1
    return hit


def test_a_killed_backup_leaves_the_desk_as_it_was_and_no_half_one(desk: DeskProcess, tmp_path: Path) -> None:
    larger(desk)
    to = tmp_path / "backups"

    def whole() -> None:
        for made in backups_in(to):
            with elsewhere(tmp_path / "new") as new:
                ok(new.command("restore", str(made)))
            shutil.rmtree(tmp_path / "new")
            shutil.rmtree(made)

    assert killed(desk, whole, "backup", str(to))
    whole()
    ok(desk.command("backup", str(to)))
    assert sorted(path.name for path in to.iterdir()) == [".lock", backups_in(to)[0].name]
    assert not list(desk.data.glob("staged-*"))
    whole()
    assert ok(desk.command("verify")).code == 0


def test_a_killed_restore_is_run_again(desk: DeskProcess, tmp_path: Path) -> None:
    """Until then there is no desk, or the whole one."""
    larger(desk)
    ok(desk.command("backup", str(tmp_path / "backups")))
    with elsewhere(tmp_path / "new") as new:

        def none_or_whole() -> None:
            listed = new.command("ticket", "list", "--json")
            if listed.code:
                assert "half of a desk" in listed.err
            else:
                assert len(listed.lines) in (0, len(subjects(desk)))
            shutil.rmtree(new.data, ignore_errors=True)

        assert killed(new, none_or_whole, "restore", str(tmp_path / "backups"))
        listed = new.command("ticket", "list", "--json")
        if listed.code or not listed.lines:
            ok(new.command("restore", str(tmp_path / "backups")))
        assert subjects(new) == subjects(desk)
        assert ok(new.command("verify")).code == 0


def test_half_of_a_desk_is_not_run(desk: DeskProcess, tmp_path: Path) -> None:
    """What a kill leaves between two files: the folder is marked."""
    filled(desk)
    ok(desk.command("backup", str(tmp_path / "backups")))
    with elsewhere(tmp_path / "new") as new:
        ok(new.command("restore", str(tmp_path / "backups")))
        (new.data / "half-filled").touch()
        for path in new.data.glob("desk-*.json"):
            path.unlink()
        refused(new.command("run"), "holds half of a desk")
        ok(new.command("restore", str(tmp_path / "backups")))
        assert len(subjects(new)) == 7


@pytest.mark.parametrize("kind", ["tinydb", "sqlite", "postgresql"])
def test_a_killed_transfer_is_run_again(
    kind: str, desk: DeskProcess, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    larger(desk)
    urls = {"tinydb": f"tinydb:{tmp_path}/other", "sqlite": f"sqlite:///{tmp_path}/desk.db"}
    url = urls.get(kind) or request.getfixturevalue("postgres_url")
    before = whole_of(f"tinydb:{desk.data}")
    hit = killed(desk, lambda: None, "transfer", "--to", url)
    assert hit
    done = desk.command("transfer", "--to", url, within_s=120)
    assert done.code == 0 or "already holds a desk" in done.err or "not empty" in done.err, done.err
    assert whole_of(f"tinydb:{desk.data}") == before
    assert whole_of(url) == before


def whole_of(url: str) -> Any:
    """The sums of everything, and what is answered."""
    store = open_store(url)
    try:
        return sums_of(store), answers(store)
    finally:
        store.close()
