"""Old mail is imported into a desk that works: its live mail goes on, and customers hear of nothing old."""

from __future__ import annotations

import smtplib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from imapclient import DELETED

from tests.channels.mail_imap_server import PASSWORD, USER
from tests.end_to_end.dovecot import a_mailbox
from tests.end_to_end.neighbours import slack_process
from tests.end_to_end.parts import OURS, DeskProcess, configuration, letter, mails_in, until


def archived(number: int) -> bytes:
    """A customer's mail of 2024; every third one answers the one before it."""
    answers = f"<old-{number - 1}@mail.test>" if number % 3 == 2 else ""
    who = number - 1 if answers else number
    date = f"Mon, 06 May 2024 {number // 60:02}:{number % 60:02}:00 +0000"
    return letter(
        f"customer{who}@customer.test", f"Printer {who}", f"It fails: {number}.", in_reply_to=answers,
        message_id=f"<old-{number}@mail.test>", headers={"Date": date},
    )  # fmt: skip


def an_archive(path: Path, count: int) -> Path:
    """An mbox of so many mails."""
    box = (b"From x@y.test Mon May  6 08:00:00 2024\n" + archived(n).replace(b"\r\n", b"\n") for n in range(count))
    path.write_bytes(b"\n".join(box) + b"\n")
    return path


def contents(desk: DeskProcess) -> dict[str, list[int]]:
    """For each Message-ID of old mail the tickets whose journal has it, once for each entry."""
    found: dict[str, list[int]] = {}
    for number in [line["number"] for line in desk.ask("ticket list") if "number" in line]:
        for entry in desk.ask("ticket show", number=number):
            if entry.get("text", "").startswith("It fails"):
                found.setdefault(entry["text"].strip(), []).append(number)
    return found


def told(desk: DeskProcess, *words: str) -> dict[str, Any]:
    """Import something; the sum of it."""
    done = desk.command("import", *words, "--json")
    assert done.code == 0, done.err
    return done.lines[-1]


def test_live_mail_goes_on_while_an_archive_is_imported(tmp_path: Path) -> None:
    """It is acknowledged meanwhile; of the archive nobody hears; again, through the desk, nothing is new."""
    path = an_archive(tmp_path / "old.mbox", 300)
    with DeskProcess(tmp_path / "desk", configuration()) as desk, ThreadPoolExecutor(1) as pool:
        desk.start()
        importing = pool.submit(told, desk, str(path))
        with smtplib.SMTP(*desk.smtp()) as line:
            for number in range(10):
                raw = letter(f"live{number}@customer.test", "Live", "Help.", message_id=f"<live-{number}@mail.test>")
                line.sendmail(f"live{number}@customer.test", OURS, raw)
        sums = importing.result()
        assert (sums["opened"], sums["joined"]) == (200, 100)
        assert told(desk, str(path))["duplicate"] == 300
        until(lambda: len(mails_in(desk.maildir)) >= 10, "the acknowledgements of live mail")
        assert desk.stop() == 0
        assert {mail["To"] for mail in mails_in(desk.maildir)} == {f"live{n}@customer.test" for n in range(10)}
        assert desk.command("verify").code == 0
        # Without the desk, its folder says the same.
        assert told(desk, str(path))["duplicate"] == 300


def test_a_desk_that_is_killed_and_started_again_goes_on_with_the_import(tmp_path: Path) -> None:
    """The command waits for it, gives the batch again, and each mail is there once."""
    path = an_archive(tmp_path / "old.mbox", 900)
    with DeskProcess(tmp_path / "desk", configuration()) as desk:
        desk.start()
        command = [sys.executable, "-m", "bot", "import", str(path), "--json", "--config", "config.yaml"]
        with subprocess.Popen(command, cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as importing:
            try:
                until(lambda: len(desk.ask("ticket list")) > 60, "the import to have begun")
                desk.kill()
                assert importing.poll() is None, "the import was over before the desk was killed"
                desk.start()
                out, problems = importing.communicate(timeout=120)
            finally:
                importing.kill()
        assert importing.returncode == 0, problems.decode()
        assert b'"read": 900' in out
        lines = desk.ask("ticket list")
        assert len([line for line in lines if "number" in line]) == 600
        assert told(desk, str(path))["duplicate"] == 900
        assert desk.stop() == 0
        assert desk.command("verify").code == 0
        assert mails_in(desk.maildir) == []


def test_chat_hears_nothing_of_an_import_and_gets_the_card_when_the_customer_writes_again(tmp_path: Path) -> None:
    """A ticket without a card gets one then, with the answer in its thread."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    date = {"Date": f"{yesterday:%a, %d %b %Y %H:%M:%S} +0000"}
    path = tmp_path / "old.eml"
    path.write_bytes(letter("alice@customer.test", "Printer", "It fails.", message_id="<q@mail.test>", headers=date))
    with slack_process() as slack:
        channel = slack.channel("support")["id"]
        config = configuration(channels={"slack": chat_in(channel)})
        env = {"SLACK_API_URL": slack.api_url, "BOT": slack.bot_token, "APP": slack.app_token}
        with DeskProcess(tmp_path / "desk", config, env=env) as desk:
            desk.start()
            before = len(slack.messages(channel))
            assert told(desk, str(path))["opened"] == 1
            assert desk.outbox() == []
            with smtplib.SMTP(*desk.smtp()) as line:
                raw = letter(
                    "alice@customer.test", "Re: Printer", "It fails again.", message_id="<t@mail.test>",
                    in_reply_to="<q@mail.test>",
                )  # fmt: skip
                line.sendmail("alice@customer.test", OURS, raw)
            until(lambda: len(slack.messages(channel)) > before, "the card")
            card = slack.messages(channel)[-1]
            thread = until(lambda: slack.messages(channel, card["ts"])[1:], "the answer in its thread")
            assert "Printer" in card["text"]
            assert any("It fails again." in str(said) for said in thread)
            until(lambda: {one["state"] for one in desk.outbox()} == {"accepted"}, "all to be delivered")
            assert desk.stop() == 0
            assert desk.command("verify").code == 0


def chat_in(channel: str) -> dict[str, Any]:
    """Slack by Socket Mode."""
    return {"mode": "socket", "channel": channel, "bot_token": {"env": "BOT"}, "app_token": {"env": "APP"}}


def test_a_folder_on_a_server_is_imported_and_left_as_it_is(tmp_path: Path) -> None:
    """Nothing is flagged or moved there; what is marked as deleted stays out."""
    server = a_mailbox()
    server.start()
    try:
        with server.client() as mailbox:
            for folder, number in (("Archive", 0), ("Archive", 1), ("Sent", 2)):
                if not mailbox.folder_exists(folder):
                    mailbox.create_folder(folder)
                mailbox.append(folder, archived(number))
            mailbox.append("Archive", archived(3), flags=(DELETED,))
        imap = {"host": "127.0.0.1", "port": server.port, "tls": False, "username": USER, "password": {"env": "IMAP"}}
        config = configuration(mail={"imap": imap})
        with DeskProcess(tmp_path, config, env={"IMAP": PASSWORD}) as desk:
            desk.start()
            sums = told(desk, "imap:support", "--folder", "Archive", "--folder", "Sent")
            assert (sums["opened"], sums["joined"]) == (2, 1)
            assert contents(desk) == {"It fails: 0.": [1], "It fails: 1.": [2], "It fails: 2.": [2]}
            done = desk.command("import", "imap:support", "--folder", "Nowhere")
            assert (done.code, "imap:support" in done.err or "Nowhere" in done.err) == (1, True)
            assert desk.stop() == 0
        with server.client() as mailbox:
            mailbox.select_folder("Archive", readonly=True)
            assert len(mailbox.search("UNSEEN")) == 3
    finally:
        server.stop()
