"""Each customer is written to in their own language; another language is one file more (R-OP-3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.wording.load import SHIPPED, load_wording
from rules.errors import ConfigError
from rules.policy import CustomerMatch
from tests.stage import a_stage

ALICE = "alice@customer.test"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Thank you for writing to"),
        ("zh-CN", "您的服务请求已受理"),
        ("zh-TW", "您的服务请求已受理"),
        ("fi", "Thank you for"),
    ],
)
def test_the_acknowledgement_is_in_the_customers_language_or_the_first_one(language: str, words: str) -> None:
    """Another kind of Chinese is still Chinese; a language that nobody wrote falls back to the first."""
    stage = a_stage()
    stage.mail(language=language)
    assert words in stage.mails_to(ALICE)[0].text


def test_a_chinese_ticket_is_chinese_to_its_end() -> None:
    """Acknowledgement, resolution, survey and thanks; "是" confirms and a number scores."""
    stage = a_stage()
    stage.mail("打印机坏了。", subject="打印机", language="zh-CN")
    assert "2026年3月2日（周一）12:00" in stage.mails_to(ALICE)[0].text
    stage.command("resolve", "已更换电缆。", now="yes")
    assert "问题是否已解决" in stage.mails_to(ALICE)[-1].text
    stage.answer("是的，谢谢！", language="zh-CN")
    stage.wait(seconds=1)
    assert "满意度评价" in stage.mails_to(ALICE)[-1].text
    stage.answer("5分，非常满意", language="zh-CN")
    score = stage.ticket().score
    assert score is not None
    assert (score.overall, score.comment) == (5, "非常满意")
    assert "感谢您对工单 #1 的评价" in stage.mails_to(ALICE)[-1].text


def test_a_short_answer_is_in_the_language_the_customer_was_known_by() -> None:
    """A second mail without a recognisable language is answered like the first."""
    stage = a_stage()
    stage.mail("打印机坏了。", language="zh-CN")
    stage.mail("A4?", language="", subject="A4")
    assert "您的服务请求已受理" in stage.mails_to(ALICE)[1].text


def test_a_third_language_is_one_file_more(tmp_path: Path) -> None:
    """A translated copy of en.yaml in a folder, named in the configuration: its customers get its words."""
    english = (SHIPPED / "en.yaml").read_text(encoding="utf-8")
    german = english.replace("Thank you for writing to {desk}.", "vielen Dank für Ihre Nachricht an {desk}.")
    german = german.replace("weekdays: Mon Tue Wed Thu Fri Sat Sun", "weekdays: Mo Di Mi Do Fr Sa So")
    (tmp_path / "de.yaml").write_text(german, encoding="utf-8")
    languages = ("en", "zh-CN", "de")
    stage = a_stage(languages=languages, wording=load_wording(languages, (SHIPPED, tmp_path)))
    stage.mail("Der Drucker brennt.", language="de")
    text = stage.mails_to(ALICE)[0].text
    assert "vielen Dank für Ihre Nachricht an Acme Support." in text
    assert "Mo 2 Mar 2026, 12:00" in text


def test_a_language_file_with_gaps_missing_is_told_with_its_line(tmp_path: Path) -> None:
    """A translation that lost the ticket number is refused before any customer gets it."""
    english = (SHIPPED / "en.yaml").read_text(encoding="utf-8")
    (tmp_path / "de.yaml").write_text(english.replace("has the number #{number}", "hat eine Nummer"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_wording(("en", "de"), (SHIPPED, tmp_path))
    assert "de.yaml:" in caught.value.problems[0]
    assert "{number}" in caught.value.problems[0]


def test_times_are_told_in_the_customers_zone() -> None:
    """From the Date header of their mail, else what is known of them, else the desk's (R-CU-1)."""
    stage = a_stage()
    in_lisbon = datetime(2026, 3, 1, 23, 0, tzinfo=timezone(timedelta(hours=-3)))
    stage.mail(sent_at=in_lisbon)
    stage.mail(subject="Another", sent_at=None)
    assert "01:00 (UTC-3)" in stage.mails_to(ALICE)[0].text
    assert "01:00 (UTC-3)" in stage.mails_to(ALICE)[1].text


@pytest.mark.parametrize(
    ("hours", "zone"), [(14, "Etc/GMT-14"), (-12, "Etc/GMT+12"), (-13, ""), (-14, ""), (5.5, ""), (0, "")]
)
def test_an_offset_that_no_zone_has_falls_back_to_the_desks(hours: float, zone: str) -> None:
    """Dates in mails are what senders make them; none of them may stop a ticket."""
    stage = a_stage()
    assert stage.mail(sent_at=datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=hours)))) == "opened"
    assert stage.ticket().timezone == (zone or "Asia/Shanghai")


def test_what_is_on_file_about_a_customer_wins() -> None:
    """Language and zone of the configuration hold, whatever a mail looks like."""
    on_file = CustomerMatch(pattern="*@customer.test", language="zh-CN", timezone="Europe/Berlin")
    stage = a_stage(customers=(on_file,))
    stage.mail(language="en")
    text = stage.mails_to(ALICE)[0].text
    assert "您的服务请求已受理" in text
    assert "05:00（UTC+1）" in text


def test_staff_get_mails_in_their_own_language() -> None:
    """The chat speaks the desk's first language, a mail its reader's."""
    stage = a_stage()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    stage.wait(minutes=30)
    assert "责任人：尚无人认领" in stage.mails_to("mei@example.com")[0].text
    english = tuple(replace(person, language="en") for person in stage.policy.staff)
    assert english != stage.policy.staff
