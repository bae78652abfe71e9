"""The desk as it is shipped, with no account anywhere: mail by SMTP, answers in a Maildir, staff on the console."""

from __future__ import annotations

import json
import smtplib
import uuid
from email.message import EmailMessage
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from tests.end_to_end.parts import OURS, DeskProcess, letter, mails_in, until, words_of

SHIPPED = Path(__file__).parent.parent.parent / "config.yaml"
WANG = "wang@example.cn"


class Console:
    """A browser on the console page, as far as the page asks the desk."""

    def __init__(self, desk: DeskProcess) -> None:
        self._url = f"http://{desk.listening['web']}"
        self._browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        token = (desk.data / "console.token").read_text()
        with self._browser.open(f"{self._url}/?token={token}", timeout=20) as page:
            assert b"<html" in page.read()

    def get(self, path: str) -> Any:
        """What the page reads."""
        with self._browser.open(self._url + path, timeout=20) as answer:
            return json.load(answer)

    def do(self, name: str, text: str = "", **args: str) -> str:
        """Somebody does something with ticket 1 as Li Wei; says what became of it."""
        body = {"id": str(uuid.uuid4()), "name": name, "ticket": 1, "as": "li.wei", "text": text, "args": args}
        headers = {"Content-Type": "application/json", "X-Deskbell": "console"}
        request = Request(f"{self._url}/api/command", json.dumps(body).encode(), headers)
        with self._browser.open(request, timeout=20) as answer:
            return str(json.load(answer)["outcome"])


def shipped() -> str:
    """The shipped configuration, on ports that are free, with its Maildir beside the data."""
    text = SHIPPED.read_text(encoding="utf-8")
    changed = {"127.0.0.1:2525": "127.0.0.1:0", "127.0.0.1:8080": "127.0.0.1:0", "./data/outgoing": "./outgoing"}
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    return text


def mail_to_wang(desk: DeskProcess, containing: str) -> EmailMessage:
    """The mail in the Maildir with these words."""

    def found() -> EmailMessage | None:
        return next((mail for mail in mails_in(desk.maildir) if containing in words_of(mail)), None)

    mail = until(found, f"a mail that says {containing!r}")
    assert mail is not None
    assert mail["To"] == WANG
    return mail


def wang_writes(desk: DeskProcess, subject: str, text: str, number: int, to: EmailMessage | None = None) -> None:
    """The customer writes, or presses reply."""
    raw = letter(
        WANG, subject, text, message_id=f"<{number}@example.cn>", in_reply_to=str(to["Message-ID"]) if to else "",
        to=str(to["Reply-To"]) if to else OURS, headers={"MIME-Version": "1.0"},
    )  # fmt: skip
    with smtplib.SMTP(*desk.smtp(), timeout=20) as smtp:
        assert smtp.sendmail(WANG, [OURS], raw, ["SMTPUTF8"]) == {}


def until_ticket(desk: DeskProcess, **facts: object) -> None:
    """Wait for the ticket to be so."""
    until(
        lambda: all(desk.ask("ticket show", number=1)[0].get(name) == value for name, value in facts.items()),
        f"the ticket to be {facts}",
    )


def test_the_shipped_desk_answers_a_customer_from_the_console(tmp_path: Path) -> None:
    """A customer who writes in Chinese is acknowledged in Chinese, answered, asked, and scores the help."""
    with DeskProcess(tmp_path, shipped()) as desk:
        desk.start()
        wang_writes(desk, "打印机坏了", "打印机坏了,无法打印,请帮忙。", 1)
        acknowledgement = mail_to_wang(desk, "打印机坏了")
        assert acknowledgement["Auto-Submitted"] == "auto-replied"
        assert "编号" in words_of(acknowledgement) or "#1" in words_of(acknowledgement)
        console = Console(desk)
        assert [card["subject"] for card in console.get("/api/channel")["tickets"]] == ["打印机坏了"]
        console.do("claim")
        console.do("reply", "请重启打印机。")
        held = next(line for line in desk.outbox() if line["kind"] == "mail" and line["state"] == "queued")
        console.do("send_now", reply=held["key"])
        answer = mail_to_wang(desk, "请重启打印机。")
        assert answer["In-Reply-To"] == "<1@example.cn>"
        console.do("resolve", "更换了硒鼓。", now="1")
        asked = mail_to_wang(desk, "更换了硒鼓。")
        wang_writes(desk, f"Re: {asked['Subject']}", "好了,谢谢", 2, asked)
        until_ticket(desk, status="closed")
        survey = until(
            lambda: [mail for mail in mails_in(desk.maildir) if ":survey" in sent_as(desk, mail)], "the survey"
        )
        wang_writes(desk, "Re: survey", "5分", 3, survey[0])
        until_ticket(desk, score=5)
        thread = str(console.get("/api/ticket/1")["thread"])
        assert "请重启打印机。" in thread
        assert "好了" in thread
        assert desk.stop() == 0


def sent_as(desk: DeskProcess, mail: EmailMessage) -> str:
    """The name of the effect that a mail in the Maildir is."""
    name = str(mail["Message-ID"]).strip("<").partition("@")[0]
    return ":" + name.replace(".", ":")
