"""Two desks in processes of their own, each the other's relay: silence, and people who are heard (complaint 23)."""

from __future__ import annotations

import smtplib
import socket
from functools import partial
from pathlib import Path

from tests.end_to_end.parts import DeskProcess, configuration, letter, until

ONE, TWO = "support@one.test", "help@two.test"
PERSON = "ana@two.test"


def free_port() -> int:
    """A port of the loopback that nobody listens on; each desk must know the other's before either runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def a_desk(folder: Path, address: str, port: int, relay: int) -> DeskProcess:
    box = {
        "address": address,
        "smtp_in": {"listen": f"127.0.0.1:{port}"},
        "smtp_out": {"host": "127.0.0.1", "port": relay, "tls": False},
    }
    return DeskProcess(folder, configuration(mail=box))


def send(desk: DeskProcess, sender: str, to: str, subject: str, text: str, message_id: str) -> None:
    with smtplib.SMTP(*desk.smtp(), timeout=20) as client:
        client.sendmail(sender, [to], letter(sender, subject, text, message_id=message_id, to=to))


def acknowledgements(desk: DeskProcess) -> list[str]:
    return [line["key"] for line in desk.outbox() if line["key"].endswith(":acknowledgement")]


def heard(desk: DeskProcess, outcome: str) -> int:
    return sum(line.get("event") == "received" and line.get("outcome") == outcome for line in desk.logged())


def settled(desk: DeskProcess) -> bool:
    return all(line["state"] not in ("queued", "sending") for line in desk.outbox() if line["channel"] != "chat")


def test_two_desks_that_are_each_others_relay_fall_silent(tmp_path: Path) -> None:
    """One acknowledgement each is all that they write by themselves; a person's mail in the middle is acknowledged."""
    ports = free_port(), free_port()
    with (
        a_desk(tmp_path / "one", ONE, ports[0], ports[1]) as one,
        a_desk(tmp_path / "two", TWO, ports[1], ports[0]) as two,
    ):
        one.start()
        two.start()
        send(one, TWO, ONE, "Your invoice", "Which invoice is this?", "<1@two.test>")
        send(two, ONE, TWO, "Your question", "Which question do you mean?", "<1@one.test>")
        for desk in (one, two):
            until(partial(heard, desk, "automatic:own"), "the other's acknowledgement")
        send(one, PERSON, ONE, "My account", "It is locked, please help.", "<p@two.test>")
        until(lambda: len(acknowledgements(one)) == 2, "the person's acknowledgement")
        for desk in (one, two):
            until(partial(settled, desk), "all mails to have left")
        assert acknowledgements(one) == ["1:acknowledgement", "2:acknowledgement"]
        assert acknowledgements(two) == ["1:acknowledgement"]
        assert [heard(desk, "automatic:own") for desk in (one, two)] == [1, 1]
        assert [line["customer"] for line in one.ask("ticket list") if "number" in line] == [TWO, PERSON]


def test_a_person_blocks_and_unblocks_from_the_command_line(tmp_path: Path) -> None:
    """``loops block`` holds at once, ``loops list`` shows it, ``loops unblock`` lets pass for an hour."""
    with DeskProcess(tmp_path, configuration()) as desk:
        desk.start()
        key = "domain:two.test"
        assert desk.command("loops", "block", key, "--as", "ana").code == 0
        send(desk, PERSON, "support@example.com", "My account", "It is locked.", "<1@two.test>")
        (line,) = desk.command("loops", "list", "--json").lines[:1]
        assert (line["key"], line["blocked"]) == (key, True)
        until(lambda: heard(desk, "opened") == 1, "the ticket")
        assert acknowledgements(desk) == []
        assert desk.command("loops", "unblock", key, "--as", "ana").code == 0
        send(desk, PERSON, "support@example.com", "My printer", "It does not print.", "<2@two.test>")
        until(lambda: acknowledgements(desk) == ["2:acknowledgement"], "the acknowledgement")
        refused = desk.command("loops", "block", "everybody", "--as", "ana")
        assert refused.code == 1
