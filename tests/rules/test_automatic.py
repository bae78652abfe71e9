"""The judge of machine mail: machines are known by what they say of themselves, people are never silenced."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.automatic import judge
from rules.model import AutomaticVerdict


def judged(
    headers: dict[str, str] | None = None,
    *,
    sender: str = "ana@example.org",
    envelope_sender: str | None = "ana@example.org",
    subject: str = "Printer is down",
    own: tuple[str, ...] = (),
) -> AutomaticVerdict:
    named = {name.lower(): (value,) for name, value in (headers or {}).items()}
    return judge(named, sender=sender, envelope_sender=envelope_sender, subject=subject, own_addresses=own)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto-Submitted": "auto-replied"}, "out_of_office"),
        ({"Auto-Submitted": "AUTO-REPLIED"}, "out_of_office"),
        ({"Auto-Submitted": " auto-replied; owner-email=x@y "}, "out_of_office"),
        ({"Auto-Submitted": "auto-replied (vacation)"}, "out_of_office"),
        ({"Auto-Submitted": "auto-generated"}, "notification"),
        ({"Auto-Submitted": "auto-notified"}, "notification"),
        ({"Auto-Submitted": "auto-something-new"}, "notification"),
        ({"Precedence": "bulk"}, "list"),
        ({"Precedence": "Bulk"}, "list"),
        ({"Precedence": "LIST"}, "list"),
        ({"Precedence": "junk"}, "list"),
        ({"Precedence": "auto_reply"}, "out_of_office"),
        ({"X-Auto-Response-Suppress": "All"}, "notification"),
        ({"X-Auto-Response-Suppress": "all"}, "notification"),
        ({"X-Autoreply": "yes"}, "out_of_office"),
        ({"X-AUTORESPOND": "Vacation"}, "out_of_office"),
        ({"X-Autoreply-From": "x@y"}, "out_of_office"),
        ({"X-MS-Exchange-Inbox-Rules-Loop": "x@y"}, "notification"),
        ({"X-MS-Exchange-Inbox-Rules-Loop": "x@y", "Auto-Submitted": "auto-replied"}, "out_of_office"),
        ({"List-Id": "<users.example.org>"}, "list"),
        ({"LIST-UNSUBSCRIBE": "<mailto:x@y>"}, "list"),
        ({"X-Failed-Recipients": "x@y"}, "bounce"),
        ({"Content-Type": "multipart/report; report-type=delivery-status; boundary=x"}, "bounce"),
        ({"Content-Type": 'Multipart/Report; boundary=x; Report-Type="Delivery-Status"'}, "bounce"),
        ({"Content-Type": "multipart/report; boundary=x"}, "bounce"),
        ({"Content-Type": "multipart/report; report-type=disposition-notification"}, "read_receipt"),
        ({"Content-Type": "multipart/report; report-type=feedback-report"}, "notification"),
        ({"Content-Type": "message/delivery-status"}, "bounce"),
        ({"X-Deskbell-Loop": "support"}, "own"),
        ({"X-Deskbell-Loop": "support", "Auto-Submitted": "auto-replied"}, "own"),
        ({"X-OTRS-Loop": "yes"}, "notification"),
        ({"List-Id": "<x>", "Auto-Submitted": "auto-generated"}, "list"),
    ],
)
def test_a_machine_is_known_by_its_headers_in_every_case_variant(headers: dict[str, str], kind: str) -> None:
    verdict = judged(headers)
    assert (verdict.is_automatic, verdict.kind, verdict.may_answer) == (True, kind, False)
    assert verdict.because


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Auto-Submitted": "no"},
        {"Auto-Submitted": "No"},
        {"Auto-Submitted": " no ; why=x"},
        {"Precedence": "first-class"},
        {"X-Auto-Response-Suppress": "None"},
        {"X-Autoreply": "no"},
        {"Content-Type": "multipart/mixed; boundary=report"},
        {"Return-Path": "<ana@example.org>"},
    ],
)
def test_a_person_is_answered(headers: dict[str, str]) -> None:
    assert judged(headers) == AutomaticVerdict()


@pytest.mark.parametrize(
    "sender",
    [
        "noreply@example.org",
        "no-reply@example.org",
        "NO.REPLY@example.org",
        "no_reply@example.org",
        "donotreply@example.org",
        "do-not-reply@example.org",
        "DoNotReply@example.org",
        "shop-noreply@example.org",
        "noreply-orders@example.org",
        "noreply2@example.org",
        "noreply+17@example.org",
        "ne-pas-repondre@example.fr",
        "nicht-antworten@example.de",
        "no-responder@example.es",
    ],
)
def test_one_that_wants_no_reply_gets_none(sender: str) -> None:
    verdict = judged(sender=sender)
    assert (verdict.kind, verdict.may_answer) == ("notification", False)
    assert "sender" in verdict.because[0]


@pytest.mark.parametrize(
    "sender", ["norepl.y@example.org", "noreplyson@example.org", "reply@example.org", "nora@x.org"]
)
def test_a_name_that_looks_alike_is_a_person(sender: str) -> None:
    assert judged(sender=sender).may_answer


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@example.org", "mailer-daemon@example.org", "Mailer-Daemon@x"])
def test_the_mailer_daemon_brings_bounces(sender: str) -> None:
    assert judged(sender=sender).kind == "bounce"


def test_a_postmaster_may_be_a_person_but_is_not_answered_by_a_machine() -> None:
    verdict = judged(sender="postmaster@example.org")
    assert (verdict.is_automatic, verdict.may_answer) == (False, False)


@pytest.mark.parametrize(("envelope_sender", "headers"), [("", {}), ("<>", {}), (None, {"Return-Path": "<>"})])
def test_a_null_sender_is_never_answered(envelope_sender: str | None, headers: dict[str, str]) -> None:
    verdict = judged(headers, envelope_sender=envelope_sender)
    assert (verdict.is_automatic, verdict.may_answer) == (True, False)


def test_what_the_envelope_said_counts_more_than_a_return_path_header() -> None:
    assert judged({"Return-Path": "<>"}, envelope_sender="ana@example.org").may_answer


@pytest.mark.parametrize(
    "subject",
    [
        "Out of Office: Printer is down",
        "Out of the office",
        "Automatic reply: Printer",
        "AUTOMATIC REPLY: Printer",
        "Auto-reply: Printer",
        "Autoreply: Printer",
        "Auto reply: Printer",
        "[Auto-Reply] Printer",
        "自动回复: 打印机",
        "自动回复：打印机",
        "自動回覆: 打印機",
        "自動返信: プリンタ",
        "자동 회신: 프린터",
        "Automatische Antwort: Drucker",
        "Abwesenheitsnotiz: Drucker",
        "Réponse automatique : Imprimante",
        "Respuesta automática: Impresora",
        "Resposta automática: Impressora",
        "Risposta automatica: Stampante",
        "Automatisch antwoord: Printer",
        "Autosvar: Skrivare",
        "Automatiskt svar: Skrivare",
        "Automaattinen vastaus: Tulostin",
        "Odpowiedź automatyczna: Drukarka",
        "Автоматический ответ: Принтер",
        "Otomatik yanıt: Yazıcı",
    ],
)
def test_an_absence_that_answers_a_mail_is_known_by_its_subject(subject: str) -> None:
    verdict = judged({"In-Reply-To": "<1.reply.1@example.com>"}, subject=subject)
    assert (verdict.kind, verdict.may_answer) == ("out_of_office", False)


@pytest.mark.parametrize(
    "subject", ["Out of office: how do I set it up?", "自动回复：怎么设置", "Automatic reply: Printer"]
)
def test_a_subject_alone_does_not_make_a_mail_that_answers_nothing_vanish(subject: str) -> None:
    """It gets a ticket without an acknowledgement: a person may have written it (complaint 1)."""
    verdict = judged(subject=subject)
    assert (verdict.kind, verdict.may_answer) == ("notification", False)


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Automatic reply: Printer",
        "AW: Automatische Antwort: Drucker",
        "Out of office printer is broken",
        "Automatic reply does not work in my mailbox",
        "自动回复功能坏了",
        "How do I set an out of office message?",
        "Undeliverable: what does this mean?",
        "Delivery failure of my order",
        "Returned mail from your shop",
        "退信怎么办",
        "Read: the manual",
        "Please confirm your message",
        "Failure notice from the boiler",
        "Fuori uso",
    ],
)
def test_a_person_writing_about_machines_stays_a_person(subject: str) -> None:
    assert judged(subject=subject).may_answer


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Undeliverable: Re: Printer", "bounce"),
        ("Mail delivery failed: returning message to sender", "bounce"),
        ("Delivery Status Notification (Failure)", "bounce"),
        ("系统退信/Systems bounce", "bounce"),
        ("Unzustellbar: Drucker", "bounce"),
        ("Read: Printer", "read_receipt"),
        ("已读: 打印机", "read_receipt"),
        ("Please confirm your message", "challenge"),
        ("Printer", "notification"),
    ],
)
def test_beside_a_null_sender_the_subject_tells_the_kind(subject: str, kind: str) -> None:
    assert judged(subject=subject, envelope_sender="").kind == kind


def test_a_challenge_is_never_answered_by_a_machine() -> None:
    verdict = judged({"Auto-Submitted": "auto-replied"}, subject="Please confirm your message")
    assert (verdict.kind, verdict.may_answer) == ("challenge", False)


@pytest.mark.parametrize("value", ["DR, RN, NRN, OOF, AutoReply", "OOF", "autoreply"])
def test_a_person_whose_server_asks_for_silence_is_a_person_not_answered(value: str) -> None:
    verdict = judged({"X-Auto-Response-Suppress": value})
    assert (verdict.is_automatic, verdict.may_answer) == (False, False)
    assert verdict.because


def test_mail_from_ourselves_is_not_answered() -> None:
    verdict = judged(sender="Support@example.com", own=("support@example.com",))
    assert (verdict.is_automatic, verdict.may_answer) == (False, False)


def test_nobody_cannot_be_answered() -> None:
    assert not judged(sender="").may_answer


@given(
    headers=st.dictionaries(
        st.sampled_from(["auto-submitted", "precedence", "content-type", "return-path", "list-id", "x-autoreply"]),
        st.lists(st.text(max_size=60), max_size=3),
    ),
    sender=st.text(max_size=60),
    subject=st.text(max_size=200),
)
@settings(max_examples=200, deadline=None)
def test_every_verdict_says_why(headers: dict[str, list[str]], sender: str, subject: str) -> None:
    verdict = judge(headers, sender=sender, envelope_sender=None, subject=subject)
    assert verdict.is_automatic == (verdict.kind != "person")
    assert verdict.may_answer == (not verdict.because)
