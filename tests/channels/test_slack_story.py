"""A customer's mail makes its way through Slack with the real desk behind it: card, reply, hold, marks, resolution."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest

from bot.window import Window
from channels.mail.addresses import OwnAddresses
from channels.mail.compose import compose
from channels.mail.parse import parse
from rules.model import EntryKind, Status
from tests.channels.slack_desk import prove_nothing_unfolds
from tests.channels.slack_play import MANIFEST, a_play
from tests.loopback_slack import LoopbackSlack


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running
        prove_nothing_unfolds(running)


async def test_a_mail_is_answered_and_resolved_from_slack(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        play.mail("The printer is on fire. <!channel> Please help.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        root = play.thread()[0]["ts"]
        slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: play.ticket().assignee == "ana")
        await slack.eventually(lambda: "Ana Silva" in json.dumps(play.thread()[0]["blocks"]))

        said = slack.post("ana", "support", "Hello Mei, a new one is on its way.", root)
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["hourglass_flowing_sand"])
        assert play.replies() == []
        play.pass_the_hold()
        await slack.eventually(lambda: play.replies())
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["email"])
        assert "Hello Mei, a new one is on its way." in play.replies()[0].text
        assert play.replies()[0].to == ("mei.lin@example.net",)

        slack.click("ana", "support", root, "deskbell:open:resolve")
        await slack.eventually(lambda: slack.modals("ana"))
        slack.submit("ana", {"text": "Sent a new printer", "root_cause": "toner dust"})
        await slack.eventually(lambda: play.ticket().status is Status.RESOLVED)
        await slack.eventually(lambda: len(play.thread()[0]["blocks"]) == 3)
        assert len(slack.messages("support")) == 1


async def test_notes_edits_and_deletions_in_the_hold_never_reach_the_customer(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        root = play.thread()[0]["ts"]
        note = slack.post("ana", "support", "🔒 he sounds angry", root)
        stranger = slack.post("eve", "support", "me too", root)
        slip = slack.post("ana", "support", "he is a pain", root)
        await slack.eventually(lambda: play.reactions(slip["ts"]) == ["hourglass_flowing_sand"])
        slack.delete("ana", "support", slip["ts"])
        wrong = slack.post("ana", "support", "on its wya", root)
        await slack.eventually(lambda: play.reactions(wrong["ts"]) == ["hourglass_flowing_sand"])
        slack.edit("ana", "support", wrong["ts"], "on its way")
        await slack.eventually(lambda: any(e.text == "on its way" for e in play.journal()))
        play.pass_the_hold()
        await slack.eventually(lambda: play.reactions(wrong["ts"]) == ["email"])
        await slack.eventually(lambda: play.reactions(note["ts"]) == ["lock"])
        assert len(play.replies()) == 1
        assert "on its way" in play.replies()[0].text
        assert play.reactions(stranger["ts"]) == []
        assert "not on the staff list" in slack.ephemerals("eve")[0]["text"]


async def test_a_customers_pdf_reaches_the_thread_and_staffs_picture_the_customers_mail(slack: LoopbackSlack) -> None:
    """Byte for byte, both ways; also when Slack swallows what it says about the customer's file (complaint 65)."""
    pdf, png = b"%PDF-1.7\n" + bytes(range(256)) * 99, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 99
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"], mail["Message-ID"] = "mei.lin@example.net", "Printer", "<1@example.net>"
    mail.set_content("See the invoice.\r\n")
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename="Rechnung März.pdf")
    slack.fault("files.completeUploadExternal", after_work=True, drop=True)
    async with a_play(slack) as play:
        box = play.desk.policy.mailboxes[0]
        play.desk.receive(parse(mail.as_bytes(), received_at=play.clock.now(), channel="mail:support"))
        await slack.eventually(lambda: len(play.thread()) == 3)
        root, told, shared = play.thread()
        assert "Rechnung März.pdf (25 KB)" in json.dumps(told["blocks"], ensure_ascii=False)
        assert [file["name"] for file in shared["files"]] == ["Rechnung März.pdf"]
        assert [file["content"] for file in slack.files()] == [pdf]

        said = slack.upload("ana", "support", "So geht's.png", png, "like this", root["ts"])
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["hourglass_flowing_sand"])
        play.pass_the_hold()
        (reply,) = await slack.eventually(play.replies)
        own, files = OwnAddresses((box,)), Window(play.store).file
        raw = compose(reply, mailbox=box, own=own, now=play.clock.now(), files=files)
        (part,) = message_from_bytes(raw, policy=default).iter_attachments()
        assert (part.get_filename(), part.get_content()) == ("So geht's.png", png)
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["email"])
        assert len(play.thread()) == 4
        assert list(play.store.verify()) == []


async def test_a_reply_with_a_file_that_cannot_be_had_stays_and_its_author_hears_why(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        slack.fault("download", times=2, status=500)
        slack.upload("ana", "support", "so.png", b"png", "like this", play.thread()[0]["ts"])
        await slack.eventually(lambda: slack.ephemerals("ana"))
        assert "so.png could not be fetched" in slack.ephemerals("ana")[0]["text"]
        play.pass_the_hold()
        assert play.replies() == []
        assert [entry.text for entry in play.journal() if entry.kind is EntryKind.REPLIED] == []


async def test_the_customers_answer_appears_in_the_thread_and_pings_nobody_it_names(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.relay.mails and play.ticket().chat_thread)
        ours = play.relay.mails[0].message_id
        play.mail("Any news? <!here> <@U0ANA>", key="mail:2", message_id="<2@example.net>", in_reply_to=(ours,))
        await slack.eventually(lambda: len(play.thread()) == 2)
        line = play.thread()[1]
        assert "Any news?" in json.dumps(line["blocks"])
        assert "<!here>" not in line["text"]
        assert not any("<!here>" in json.dumps(b) for b in line["blocks"] if b["type"] != "rich_text")


async def test_posts_that_slack_swallows_the_answer_to_stand_there_once(slack: LoopbackSlack) -> None:
    slack.do("fault", method="chat.postMessage", times=2, after_work=True, drop=True)
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        ours = (await slack.eventually(lambda: play.relay.mails))[0].message_id
        play.mail("Any news?", key="mail:2", message_id="<2@example.net>", in_reply_to=(ours,))
        await slack.eventually(lambda: len(play.thread()) == 2)
        root = play.thread()[0]["ts"]
        slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: play.ticket().assignee == "ana" and len(play.thread()) == 3)
        assert len(slack.messages("support")) == 1
