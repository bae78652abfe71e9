"""Bounces told in prose, by the mail systems of the world: whom a mail did not reach, why, and which mail it was."""

from __future__ import annotations

import time

import pytest

from channels.mail.bounce_texts import told_fates
from channels.mail.parse import parse
from rules.message import Bounce, Message
from tests.stage import MONDAY

COPY = (
    "Return-Path: <help@desk.example>\r\nFrom: Desk <help@desk.example>\r\nTo: someone@else.test\r\n"
    "Message-ID: <7@desk>"
)


def bounced(
    text: str, *, subject: str = "Undelivered Mail", sender: str = "MAILER-DAEMON@mx.test", **more: str
) -> Message:
    lines = [f"From: {sender}", "To: help@desk.example", f"Subject: {subject}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    raw = "\r\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", text]).encode()
    return parse(raw, received_at=MONDAY, channel="mail:support", own_addresses=("help@desk.example",))


def fates(message: Message) -> list[tuple[str, str, bool]]:
    return [(bounce.recipient, bounce.status, bounce.permanent) for bounce in message.bounces]


NOTICES = {
    "a code behind a colon": (
        "Nobody could be reached with your mail.\n\nlea@shop.test is unknown to us, CODE :550, CODE :no mailbox\n",
        [("lea@shop.test", "5.0.0", True)],
    ),
    "the mail's own recipients above, the failed one below": (
        "Your message\n\n  To:      list@club.test; board@club.test\n  Subject: Minutes\n  Sent:    Mon, 2 Mar\n\n"
        "did not reach the following recipient(s):\n\nlea@shop.test on Mon, 2 Mar 2026 10:00:00 +0100\n"
        "    There is nobody of this name here\n",
        [("lea@shop.test", "", True)],
    ),
    "an X.400 gateway": (
        "Your message did not reach the following recipient(s):\n\n"
        "c=DE;a= ;p=Shop;o=Head;dda:SMTP=lea@shop.test; on Mon, 2 Mar 2026\n    Unknown Recipient\n",
        [("lea@shop.test", "", True)],
    ),
    "who sent it is named first": (
        "A message sent by\n\n  <helper@desk.example>\n\ncould not be delivered. The following address(es) failed:\n\n"
        "  lea@shop.test\n    no server of theirs has answered for four days\n",
        [("lea@shop.test", "", True)],
    ),
    "the details of the original below": (
        "Delivery has failed to these recipients:\n\n\t* [lea@shop.test]: 552 lea@shop.test is over quota\n\n"
        "Original message details:\n\n\t* From: help@desk.example\n\t* To: crew@shop.test\n",
        [("lea@shop.test", "5.0.0", True)],
    ),
    "Postfix without a report": (
        "This is the mail system at host mx.test.\n\nI'm sorry to have to inform you that your message could not\n"
        "be delivered to one or more recipients. It's attached below.\n\nFor further assistance, please send mail to "
        "postmaster.\n\n<lea@shop.test>: host mail.shop.test[198.51.100.7] said: 550 5.1.1\n"
        "    <lea@shop.test>: Recipient address rejected (in reply to RCPT TO command)\n",
        [("lea@shop.test", "5.1.1", True)],
    ),
    "Sendmail's transcript": (
        "The original message was received at Mon, 2 Mar 2026 10:00:00 GMT\nfrom relay.desk.example [203.0.113.9]\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n<lea@shop.test>\n"
        "    (reason: 553 5.3.0 <lea@shop.test>... Unknown user)\n\n"
        "   ----- Transcript of session follows -----\n... while talking to mail.shop.test.:\n"
        ">>> MAIL From:<help@desk.example>\n<<< 553 5.3.0 <lea@shop.test>... Unknown user\n"
        "550 5.1.1 <lea@shop.test>... User unknown\n",
        [("lea@shop.test", "5.3.0", True)],
    ),
    "Exchange in prose": (
        "Your message\n\n  To:      Lea\n  Subject: Re: Lamp\n  Sent:    Mon, 2 Mar 2026 10:00:00 +0100\n\n"
        "did not reach the following recipient(s):\n\nlea@shop.test on Mon, 2 Mar 2026 10:00:05 +0100\n"
        "    The e-mail account does not exist at the organization this message was sent to.\n"
        "    <mail.shop.test #5.1.1>\n",
        [("lea@shop.test", "5.1.1", True)],
    ),
    "Gmail's page as text": (
        "** Address not found **\n\nYour message wasn't delivered to lea@shop.test because the address "
        "couldn't be found, "
        "or is unable to receive mail.\n\nThe response from the remote server was:\n"
        "550 5.1.1 The email account that you tried to reach does not exist.\n",
        [("lea@shop.test", "5.1.1", True)],
    ),
    "AOL": (
        "The mail you sent could not be delivered to:\nSMTP error from mailin.shop.test\n"
        "lea@shop.test\n  550 lea@shop.test IS NOT ACCEPTING MAIL FROM THIS SENDER\n",
        [("lea@shop.test", "5.0.0", True)],
    ),
    "GroupWise": (
        "The message that you sent was undeliverable to the following:\n\tlea@shop.test (user not found)\n\n"
        "Possibly truncated original message follows:\n\n" + COPY.replace("\r\n", "\n"),
        [("lea@shop.test", "", True)],
    ),
    "CommuniGate": (
        "Failed to deliver to 'lea@shop.test'\nSMTP module(domain shop.test) reports:\n"
        " host mail.shop.test says:\n 554 5.7.1 rejected by policy\n",
        [("lea@shop.test", "5.7.1", True)],
    ),
    "GMX and web.de": (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of\nits recipients. This is a permanent error. The following address\nfailed:\n\n"
        "lea@shop.test:\nSMTP error from remote server for RCPT TO command, host: mx.shop.test (198.51.100.1)\n"
        "reason: 550-Requested action not taken: mailbox unavailable\n",
        [("lea@shop.test", "5.0.0", True)],
    ),
    "Mail.ru": (
        "Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.\n\n"
        "К сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:\n\n"
        "**********************\n\nlea@shop.test:\nпользователь не найден\n550 Message was not accepted "
        "-- invalid mailbox.\n",
        [("lea@shop.test", "5.0.0", True)],
    ),
    "QQ": (
        "抱歉，您的邮件被退回来了……\n发信人 help@desk.example\n收件人 lea@shop.test\n邮件主题 Re: 灯\n"
        "无法发送到 lea@shop.test\n退信原因 收件人邮件地址（lea@shop.test）不存在，邮件无法送达。\n"
        "host 198.51.100.4 said: 550 Mailbox not found\n",
        [("lea@shop.test", "5.0.0", True)],
    ),
    "Sina": (
        "您好，您的邮件未能送达以下收件人：\n<lea@shop.test>:\n远程主机说：452 4.2.2 用户邮箱已满\n",
        [("lea@shop.test", "4.2.2", False)],
    ),
    "139": (
        "尊敬的用户：您发送的邮件投递失败。\n收件人：lea@shop.test\n失败原因：550 5.7.1 对方拒收\n",
        [("lea@shop.test", "5.7.1", True)],
    ),
    "a delay": (
        "THIS IS A WARNING MESSAGE ONLY.\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nDelivery to the "
        "following recipients "
        "has been delayed:\n\n    lea@shop.test\n",
        [("lea@shop.test", "", False)],
    ),
    "IMail": (
        "User mailbox exceeds allowed size: lea@shop.test\n\nOriginal message follows.\n\n"
        + COPY.replace("\r\n", "\n"),
        [("lea@shop.test", "", True)],
    ),
    "two people": (
        "I wasn't able to deliver your message to the following addresses.\n\n<lea@shop.test>:\nno mailbox (#5.1.1)\n\n"
        "<max@shop.test>:\nuser is over quota (#4.2.2)\n\n--- Below this line is a copy of the message.\n\n"
        + COPY.replace("\r\n", "\n"),
        [("lea@shop.test", "5.1.1", True), ("max@shop.test", "4.2.2", False)],
    ),
    "Japanese": (
        "メールを配信できませんでした。\n\n宛先: lea@shop.test\n理由: 550 5.1.1 User unknown\n",
        [("lea@shop.test", "5.1.1", True)],
    ),
    "a report that lost its type": (
        "Your mail was not delivered.\n\nReporting-MTA: dns; mx.test\n\nFinal-Recipient: rfc822; lea@shop.test\n"
        "Action: failed\nStatus: 5.2.1\n",
        [("lea@shop.test", "5.2.1", True)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_in_prose_names_whom_it_did_not_reach(name: str) -> None:
    """Recipient, code and whether it is for good, as a person reads it; who sent it and whom to ask are not meant."""
    text, expected = NOTICES[name]
    message = bounced(text)
    assert message.automatic.kind == "bounce"
    assert fates(message) == expected


def test_the_copy_below_a_notice_names_our_mail_and_nobody_else() -> None:
    """Its To is whom we wrote to, its Message-ID is ours; neither is read as another failure."""
    text, _ = NOTICES["two people"]
    assert {bounce.original_message_id for bounce in bounced(text).bounces} == {"<7@desk>"}


def test_the_field_of_exim_and_gmail_names_who_failed_and_the_text_says_why() -> None:
    """Without a code in the text it is for good all the same: only who was given up on stands there."""
    text = "Technical details: 550 5.7.1 blocked for lea@shop.test"
    assert fates(bounced(text, X_Failed_Recipients="lea@shop.test")) == [("lea@shop.test", "5.7.1", True)]
    assert fates(bounced("No.", X_Failed_Recipients="lea@shop.test, max@shop.test")) == [
        ("lea@shop.test", "5.0.0", True), ("max@shop.test", "5.0.0", True),
    ]  # fmt: skip


def test_whom_the_field_of_exim_names_nobody_else_failed() -> None:
    text = (
        "The following address(es) failed:\n\n  lea\n    SMTP error after MAIL FROM:<help@desk.example>:\n"
        "    550 5.7.0 no\n\n"
        "------ This is a copy of the message. ------\n\n" + COPY.replace("\r\n", "\n")
    )
    message = bounced(text, X_Failed_Recipients="lea@shop.test")
    assert fates(message) == [("lea@shop.test", "5.7.0", True)]


@pytest.mark.parametrize(
    "text",
    [
        "Hi, your mail to max@shop.test came back to me: 550 5.1.1 user unknown. Can you help?",
        "See below.\n\n-----Original Message-----\nFrom: MAILER-DAEMON@mx.test\nTo: lea@shop.test\n"
        "Subject: Undelivered Mail Returned to Sender\n\n<max@shop.test>: 550 5.1.1 unknown",
        "Which address is right, lea@shop.test or max@shop.test?",
    ],
)
def test_a_persons_mail_is_never_a_bounce(text: str) -> None:
    """Addresses and codes alone are no evidence (notes/mail.md): a machine must be known to have written it."""
    for subject in (
        "Re: Undelivered Mail Returned to Sender",
        "Delivery failed",
        "Returned mail",
        "Fwd: failure notice",
    ):
        message = bounced(text, subject=subject, sender="lea@shop.test")
        assert (message.automatic.kind, message.bounces) == ("person", ())


@pytest.mark.parametrize("unit", ["<a@b.test>: 550 5.1.1 no\n", "a@", "@", "a.", "- ", "\n", "Received: x\n", "to "])
def test_reading_a_notice_is_linear_in_its_length(unit: str) -> None:
    """No text, however long and odd, takes noticeably longer than its length."""
    began = time.process_time()
    told_fates(unit * (1_000_000 // len(unit)))
    assert time.process_time() - began < 2.0


def test_a_code_that_is_an_address_of_a_host_is_no_code() -> None:
    """198.51.100.4 and 5.1.1.9 are hosts; the code stands behind them."""
    (bounce,) = told_fates("<lea@shop.test>: host 5.1.1.9 port 2525 said: 4.4.2 timeout")
    assert bounce == Bounce(recipient="lea@shop.test", status="4.4.2", permanent=False)
