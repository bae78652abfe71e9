"""What subject, text and structure say of a machine, and that people who write alike stay people."""

from __future__ import annotations

import re

import pytest

from rules import machine_words
from rules.automatic import judge
from rules.model import AutomaticVerdict


def judged(
    headers: dict[str, str] | None = None,
    *,
    sender: str = "ana@example.org",
    envelope_sender: str | None = "ana@example.org",
    subject: str = "Printer is down",
    own: tuple[str, ...] = (),
    text: str = "",
    parts: tuple[str, ...] = (),
) -> AutomaticVerdict:
    named = {name.lower(): (value,) for name, value in (headers or {}).items()}
    return judge(
        named, sender=sender, envelope_sender=envelope_sender, subject=subject, own_addresses=own, text=text,
        parts=parts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Auto reply: Printer", "I am out of the office until Monday."),
        ("Auto reply: Printer", "Thank you for your mail. We will get back to you as soon as possible."),
        ("Auto reply: Printer", "We have received your message. Need urgent help? Call 555 0100."),
        ("Out of Office: Printer", "This is an automated reply."),
        ("自动回复:打印机", "您好，您的邮件已收到，我会尽快给您回复。"),
        ("自动回复：打印机", "我正在休假，三月十日以后才能回复。"),
        ("[自动回复] 打印机", "来信已收到。"),
        ("【自动回复】打印机", "感谢您的来信！"),
        ("Re: Printer (自动回复)", "已收到您的邮件。"),
        ("Abwesenheitsnotiz: Drucker", "Vielen Dank für Ihre Nachricht. Ich bin ab Montag wieder erreichbar."),
        ("Réponse automatique : Imprimante", "Merci pour votre message. Je suis absente du bureau jusqu'au 5."),
        ("Respuesta automática: Impresora", "Gracias por su mensaje. Estoy de vacaciones."),
        ("Fravær: Skriver", "Jeg er ikke på kontoret og på ferie."),
        ("Poissaoloviesti: Tulostin", "Olen lomalla."),
        ("Nieobecność: Drukarka", "Jestem na urlopie."),
        ("Автоответ: Принтер", "Спасибо за письмо. Я в отпуске."),
        ("自動返信: プリンタ", "お問い合わせいただきありがとうございます。"),
        ("부재중: 프린터", "휴가 중입니다."),
        ("I am out of the office until 5 March", "I am out of the office. Please contact Max."),
    ],
)
def test_a_vacation_reply_without_any_header_is_known_by_subject_and_text_together(subject: str, text: str) -> None:
    verdict = judged(subject=subject, text=text)
    assert (verdict.kind, verdict.may_answer) == ("out_of_office", False)


@pytest.mark.parametrize(
    "subject", ["Auto: Re: Printer", "Vacation", "Im Urlaub", "Thank you for your email", "Re: Printer", "休假"]
)
def test_an_answer_that_only_says_who_is_away_and_whom_to_ask_is_a_programs(subject: str) -> None:
    text = "I am currently out of the office with limited access to email. In urgent cases please contact Max."
    verdict = judged({"In-Reply-To": "<1.reply.1@example.com>"}, subject=subject, text=text)
    assert (verdict.kind, verdict.may_answer) == ("out_of_office", False)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Out of office: not switched off", "My out of office reply is still sent. Can you help?"),
        ("Vacation", "I will be on vacation from Monday. Please lock my account until then."),
        ("Auto: dent in the door", "The car of the pool has a dent."),
        ("Re: Printer", "I'm on vacation until Monday, will try it then."),
        ("Re: Printer", "Sorry, was out of the office. It works now, thanks!"),
        ("Re: Delivery failed", "User unknown is what it says. 550 5.1.1"),
        ("Status: printer", "The mail could not be delivered, what now?"),
        ("Urlaub", "Ich bin ab Montag im Urlaub, bitte das Konto sperren."),
    ],
)
def test_a_person_with_one_weak_sign_stays_a_person(subject: str, text: str) -> None:
    """No more than one in two thousand people may be taken for a machine (notes/mail.md)."""
    for headers in ({}, {"In-Reply-To": "<1.reply.1@example.com>"}):
        if headers and not subject.startswith(("Re:", "Status:", "Auto:")):
            # What answers a mail under such a subject has a second sign.
            continue
        assert judged(headers, subject=subject, text=text) == AutomaticVerdict()


@pytest.mark.parametrize(
    "headers", [{"Feedback-ID": "i1234:Fastmail"}, {"X-Mailer": "Apple Mail"}, {"Organization": "Loop Ltd"}]
)
def test_what_programs_of_people_write_too_is_no_sign(headers: dict[str, str]) -> None:
    assert judged(headers).may_answer


@pytest.mark.parametrize("subject", ["Undeliverable parcels", "Delivery failed", "Returned mail from your shop"])
@pytest.mark.parametrize("headers", [{"List-Id": "<users.example.org>"}, {"Precedence": "bulk"}])
def test_what_a_list_carries_is_never_taken_for_a_bounce(headers: dict[str, str], subject: str) -> None:
    """It opens a ticket; a bounce opens none."""
    assert judged(headers, subject=subject, text="It could not be delivered.").kind == "list"


@pytest.mark.parametrize(
    "sender", ["postmaster@example.org", "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@x.org"]
)
def test_a_postmaster_brings_a_bounce_when_subject_and_text_are_those_of_one(sender: str) -> None:
    text = "Delivery has failed to these recipients: lea@shop.test"
    assert judged(sender=sender, subject="Undeliverable: Printer", text=text).kind == "bounce"
    assert judged(sender=sender, subject="Printer", text="Our printer is down.").kind == "person"


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("message/delivery-status", "bounce"),
        ("message/disposition-notification", "read_receipt"),
        ("message/feedback-report", "notification"),
    ],
)
def test_a_report_that_lost_its_type_is_known_by_its_part(part: str, kind: str) -> None:
    """But a person may attach one and ask about it."""
    assert judged(envelope_sender="", parts=("text/plain", part)).kind == kind
    assert judged(parts=("text/plain", part)).kind == "person"


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("ndr@shop.test", "Returned mail", "Failed recipients\n\n<lea@shop.test>: mailbox unavailable"),
        ("gate@shop.test", "Delivery failure", "Your message could not be delivered to:\n\nlea@shop.test\n"),
        ("av-gate@shop.test", "Zustellfehler", "Ihre Nachricht konnte nicht zugestellt werden: lea@shop.test"),
        ("ndr@shop.test", "Mail delivery failed", "This message was created automatically by mail delivery software."),
    ],
)
def test_a_notice_of_an_unknown_mail_system_is_a_bounce(sender: str, subject: str, text: str) -> None:
    assert judged(sender=sender, subject=subject, text=text).kind == "bounce"


@pytest.mark.parametrize(
    "text",
    [
        "Hi, your message could not be delivered to lea@shop.test, it says. Please send it again.",
        "My mail to the following recipient fails every day: lea@shop.test",
        "Your mail could not be delivered to lea@shop.test. What does that mean?",
        "Guten Tag, Ihre Nachricht konnte nicht zugestellt werden, schreibt mir lea@shop.test.",
    ],
)
def test_a_person_who_tells_of_a_bounce_stays_a_person(text: str) -> None:
    assert judged(subject="Delivery failure", text=text).kind == "person"


@pytest.mark.parametrize(
    ("headers", "subject", "text", "kind"),
    [
        ({"Return-Path": "<MAILER-DAEMON>"}, "Mail could not be delivered", "Unable to deliver it.", "bounce"),
        ({"Auto-Submitted": "auto-replied (rejected)"}, "Automatically rejected mail", "Quota exceeded", "bounce"),
        ({"Precedence": "junk"}, "[Automatyczna odpowiedź] test", "Wracam w poniedziałek.", "out_of_office"),
        ({"Precedence": "bulk", "List-Id": "<club>"}, "Automatic reply: how do I stop it", "It is sent twice.", "list"),
        ({}, "AUTO: Lima, Ana is out of the office. (returning 05/03/2026)",
         "I am out of the office and back on Thursday.\n\nThis is an automated response to your message "
         '"Any news?" sent on 02/03/2026.', "out_of_office"),
        ({}, "RE: Order", "Ana's inbox is protected by Gatekeeper. Open http://gate.test/1 once, and all that you "
         "write will be delivered from then on.", "challenge"),
        ({}, "complaint about message from 192.0.2.22", "", "notification"),
        ({}, "メールエラー通知", "Your mail could not be delivered: the box of <lea@shop.test> is full.", "bounce"),
        ({"Return-Path": "<>"}, "", "Nobody is lea@shop.test: it is not a valid address at our shop.", "bounce"),
    ],
)  # fmt: skip
def test_machines_without_the_usual_marks_are_known(
    headers: dict[str, str], subject: str, text: str, kind: str
) -> None:
    assert judged(headers, envelope_sender=None, subject=subject, text=text).kind == kind


def test_phrases_looked_for_in_small_letters_are_written_so_and_look_for_no_others() -> None:
    """To look for both cases takes three times as long, for every answer that a person writes."""
    phrases = {name: pattern for name, pattern in vars(machine_words).items() if name.endswith("_WORDS")}
    assert phrases
    for name, pattern in phrases.items():
        assert pattern.pattern == pattern.pattern.lower(), name
        assert not pattern.flags & re.IGNORECASE, name
