"""The digest as people read it: mail in text and HTML, and chat, in both languages (R-RE-1, R-RE-5)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.digest import figures
from rules.digest_page import compose
from rules.digest_tables import LISTED, Edition, headline, numbered, one_line, priority
from rules.digest_words import POST_LINES, TEXT_WIDTH, digest_mail, digest_post, width
from rules.model import Alarm, Proof, Ticket
from rules.periods import PeriodKind, missed_periods, period_before, period_of, previous
from rules.wording import Texts
from tests.builders import MONDAY, a_clock, a_ticket
from tests.rules.digest_desk import DAY, HOUR, LANGUAGES, a_busy_week, a_policy, answered, many_tickets, resolved, texts

ZONE = "Asia/Shanghai"
NOW = MONDAY + 7 * DAY
VOID = {"meta", "br"}
GMAIL_CLIPS_AT = 102 * 1024
HOSTILE = '</td><script>alert("x")</script><img src=//evil.example/p.gif>\r\nBcc: x@example.com\u202e & "quoted"'

both = pytest.mark.parametrize("language", LANGUAGES)


class Markup(HTMLParser):
    """Reads HTML and insists that every tag is closed where it was opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.opened

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.words)


def an_edition(tickets: list[Ticket] | None = None, kind: str = "week", **changes: Any) -> Edition:
    """The weekly digest of a busy week with one before it, unless told otherwise."""
    tickets = a_busy_week() if tickets is None else tickets
    period = period_before(kind, NOW, ZONE)
    now, before = (figures(tickets, each, a_policy(), NOW) for each in (period, previous(period, ZONE)))
    return Edition(**{"figures": now, "previous": before, "zone": ZONE, **changes})


def a_full_edition() -> Edition:
    """An edition in which everything that a digest can mention is mentioned."""
    due_at = NOW - 30 * DAY
    more = [
        a_ticket(70, subject="", opened_at=MONDAY - HOUR, reopened=1),
        resolved(71, HOUR, replies=0, first_response_at=None),
        *(a_ticket(n, clocks=(a_clock(),)) for n in range(80, 95)),
    ]
    missed = missed_periods("week", due_at, NOW, ZONE)
    proofs = (
        Proof(mailbox="support", at=NOW, on_server=12, counts={"tickets": 7, "automatic": 5}),
        Proof(mailbox="sales", at=NOW, on_server=3, counts={"replies": 1}, unexplained=(8, 9)),
        Proof(mailbox="info", at=NOW, problem="no route to host"),
    )
    alarms = (Alarm(key="disk", raised_at=NOW - HOUR, problem="Only 12 MB are left."),)
    return an_edition(
        a_busy_week() + more, missed=missed, quarantined=2, uncertain=1, proofs=proofs, alarms=alarms, with_people=True
    )  # fmt: skip


def an_empty_edition() -> Edition:
    return an_edition([], previous=None)


@both
@pytest.mark.parametrize("edition", [an_edition(), a_full_edition(), an_empty_edition()], ids=["busy", "full", "empty"])
def test_text_and_html_tell_every_figure_with_its_population(language: str, edition: Edition) -> None:
    subject, text, html = digest_mail(edition, texts(language), a_policy())
    shown = Markup(html).text
    for line in headline(edition, texts(language)):
        for word in (line.label, line.value, line.population, line.change):
            assert word in text
            assert word in shown
    assert "\n" not in subject
    assert not re.search(r"[{}]", subject + text + digest_post(edition, texts(language)))
    assert not re.search(r"[{}]", re.sub(r"<style>.*?</style>", "", html))


@both
def test_text_and_html_hold_the_same_tables(language: str) -> None:
    edition = a_full_edition()
    _, text, html = digest_mail(edition, texts(language), a_policy())
    shown = Markup(html).text
    page = compose(edition, texts(language), a_policy())
    assert len(page.tables) == 8
    for cell in (cell for table in page.tables for row in table.rows for cell in row.cells):
        assert cell in text
        assert cell in shown


@pytest.mark.parametrize(
    ("kind", "language", "title"),
    [
        ("day", "en", "Daily digest 2026-03-08"),
        ("week", "en", "Weekly digest 2026-W10"),
        ("month", "en", "Monthly digest 2026-02"),
        ("quarter", "en", "Quarterly digest 2025-Q4"),
        ("week", "zh-CN", "周报 2026-W10"),
    ],
)
def test_the_digest_says_which_period_it_covers_in_the_readers_time(kind: str, language: str, title: str) -> None:
    edition = an_edition(kind=kind)
    subject, text, html = digest_mail(edition, texts(language), a_policy())
    starts = (edition.figures.period.starts_at + 8 * HOUR).strftime("%Y-%m-%d %H:%M")
    for said in (text, Markup(html).text):
        assert title in said
        assert starts in said
        assert ZONE in said
    assert title in subject
    assert title in digest_post(edition, texts(language))


@both
def test_after_downtime_the_digest_names_the_periods_that_got_none(language: str) -> None:
    few = an_edition(missed=missed_periods("week", NOW - 14 * DAY, NOW, ZONE))
    many = an_edition(missed=missed_periods("week", NOW - 70 * DAY, NOW, ZONE))
    for said in (*digest_mail(few, texts(language), a_policy())[1:], digest_post(few, texts(language))):
        assert "2026-W08, 2026-W09" in said
    assert "2025-W52 … 2026-W09" in digest_post(many, texts(language))


def test_a_period_that_is_not_over_is_said_to_be_unfinished() -> None:
    period = period_of("week", MONDAY, ZONE)
    edition = Edition(figures=figures(a_busy_week(), period, a_policy(), MONDAY + DAY), zone=ZONE)
    assert texts("en").say("digest_unfinished") in compose(edition, texts("en"), a_policy()).notes


@both
def test_an_empty_period_is_told_in_few_words_and_without_tables(language: str) -> None:
    edition = an_empty_edition()
    page = compose(edition, texts(language), a_policy())
    _, text, _ = digest_mail(edition, texts(language), a_policy())
    assert texts(language).say("digest_quiet") in text
    assert texts(language).say("digest_attention_nothing") in text
    assert page.tables == ()


def test_a_customers_words_never_become_markup() -> None:
    hostile = [a_ticket(1, subject=HOSTILE, category="<b>", mailbox="<i>", priority="<u>", assignee="<s>")]
    plain = Markup(digest_mail(an_edition(), texts("en"), a_policy())[2])
    html = digest_mail(an_edition(hostile, with_people=True), texts("en"), a_policy())[2]
    read = Markup(html)
    assert read.tags <= plain.tags
    assert read.attributes <= plain.attributes
    assert "&lt;script&gt;" in html
    assert "\u202e" not in html


def test_a_customers_words_stay_on_their_line_of_the_text() -> None:
    _, text, _ = digest_mail(an_edition([a_ticket(1, subject=HOSTILE)]), texts("en"), a_policy())
    assert not any(line.startswith("Bcc:") for line in text.splitlines())
    assert len(one_line("long " * 100)) <= 60
    assert one_line("family \U0001f468\u200d\U0001f469") == "family \U0001f468\u200d\U0001f469"


@both
def test_the_html_loads_nothing_and_uses_only_what_every_mail_program_shows(language: str) -> None:
    html = digest_mail(a_full_edition(), texts(language), a_policy())[2]
    read = Markup(html)
    assert not read.tags & {"img", "script", "link", "svg", "a", "form", "iframe", "object"}
    assert not re.search(r"https?:|url\(|@import|display:\s*(flex|grid)|position:", html)
    assert "max-width:640px" in html
    assert f'<html lang="{language}">' in html


def test_a_large_desks_digest_stays_below_what_gmail_clips() -> None:
    names = [f"category {n}" for n in range(20)]
    tickets = [
        resolved(n, HOUR, by=f"person{n % 30}", category=names[n % 20], mailbox=f"box{n % 6}", replies=n % 3)
        for n in range(1, 400)
    ]
    html = digest_mail(an_edition(tickets, with_people=True), texts("zh-CN"), a_policy())[2]
    assert len(html.encode()) < GMAIL_CLIPS_AT


@both
def test_figures_by_person_are_only_for_those_entitled_to_them(language: str) -> None:
    tickets = [answered(1, HOUR, by="bo"), resolved(2, HOUR, by="bo")]
    for entitled in (True, False):
        _, text, html = digest_mail(an_edition(tickets, with_people=entitled), texts(language), a_policy())
        assert ("Bo Li" in text) is entitled
        assert ("Bo Li" in html) is entitled


@both
def test_the_chat_post_is_short_and_tells_neither_customers_words_nor_names(language: str) -> None:
    edition = a_full_edition()
    post = digest_post(edition, texts(language))
    assert len(post.splitlines()) <= POST_LINES
    assert texts(language).say("digest_attention_uncertain", n=1) in post
    assert "laptop" not in post
    assert "Bo Li" not in post
    assert "n = " in post


def test_columns_of_the_text_stand_under_each_other_in_chinese_too() -> None:
    assert width("平均响应时间（ART）") == 19
    _, text, _ = digest_mail(an_edition(), texts("zh-CN"), a_policy())
    rows = text.split("按优先级统计\n------------\n")[1].split("\n\n")[0].splitlines()
    assert len({width(row) for row in rows}) == 1


def test_prose_in_the_text_runs_no_wider_than_a_mail_should() -> None:
    _, text, _ = digest_mail(an_edition(), texts("en"), a_policy())
    prose = text.split("What the figures mean\n")[1]
    assert max(len(line) for line in prose.splitlines()) <= TEXT_WIDTH


def test_a_change_is_said_to_be_good_or_bad_only_where_it_is_one() -> None:
    """One more opened is neither; a longer first response is bad; an equal backlog is no change."""
    week = [resolved(1, HOUR), answered(2, 2 * HOUR), a_ticket(3)]
    before = [resolved(4, HOUR, opened_at=MONDAY - 7 * DAY), a_ticket(5, opened_at=MONDAY - 7 * DAY)]
    lines = {line.key: line for line in headline(an_edition(week + before), texts("en"))}
    assert (lines["opened"].change, lines["opened"].good) == ("+1", None)
    assert (lines["first_response"].change, lines["first_response"].good) == ("+45 min", False)
    assert (lines["resolution"].change, lines["resolution"].good) == ("±0", None)
    assert (lines["backlog"].change, lines["backlog"].good) == ("+2", False)
    assert lines["breached_now"].change == ""


def test_a_difference_is_that_of_the_times_shown() -> None:
    now = resolved(1, timedelta(minutes=62, seconds=20), clocks=())
    before = resolved(2, timedelta(minutes=12, seconds=40), opened_at=MONDAY - 7 * DAY, clocks=())
    lines = {line.key: line for line in headline(an_edition([now, before]), texts("en"))}
    line = lines["resolution"]
    assert (line.value, line.before, line.change) == ("1 h 2 min", "13 min", "+49 min")


def test_the_words_for_chinese_readers_are_those_of_the_rules() -> None:
    text = digest_mail(an_edition(), texts("zh-CN"), a_policy())[1]
    for term in ("紧急", "高", "中", "低", "一次解决率", "平均响应时间（ART）", "平均解决时间（AST）"):
        assert term in text
    for term in ("满意度（CSAT）", "升级率", "超时率", "重开率", "积压"):
        assert term in text


def test_a_priority_is_named_with_its_label_and_an_unknown_one_by_its_bare_name() -> None:
    assert priority(texts("en"), a_policy(), "P1") == "P1 urgent"
    assert priority(texts("zh-CN"), a_policy(), "P1") == "P1 紧急"
    assert priority(texts("en"), a_policy(), "P9") == "P9"


def test_a_long_list_of_tickets_says_how_many_more_there_are() -> None:
    assert numbered(texts("en"), [3, 5]) == "#3, #5"
    assert numbered(texts("en"), range(1, LISTED + 3)).endswith("#10 and 2 more")


@both
def test_no_text_of_the_digest_goes_unused(language: str) -> None:
    used: set[str] = set()

    class Noting(Texts):
        def say(self, key: str, /, **values: object) -> str:
            used.add(key)
            return super().say(key, **values)

    noting = Noting(language=language, texts=texts(language).texts)
    unfinished = Edition(figures=figures([], period_of("day", NOW, ZONE), a_policy(), NOW), zone=ZONE)
    editions = [a_full_edition(), an_empty_edition(), unfinished, *(an_edition(kind=kind) for kind in PeriodKind)]
    for edition in editions:
        digest_mail(edition, noting, a_policy())
        digest_post(edition, noting)
    own = {key for key in noting.texts if key.startswith("digest_")}
    assert own == {key for key in used if key.startswith("digest_")}


@settings(deadline=None, max_examples=40)
@given(tickets=many_tickets(), language=st.sampled_from(LANGUAGES), kind=st.sampled_from(PeriodKind))
def test_any_tickets_make_a_whole_digest(tickets: list[Ticket], language: str, kind: PeriodKind) -> None:
    edition = an_edition(tickets, kind, with_people=True)
    subject, text, html = digest_mail(edition, texts(language), a_policy())
    assert Markup(html).text.strip()
    assert subject.strip()
    assert text.strip()
    assert len(digest_post(edition, texts(language)).splitlines()) <= POST_LINES


@both
def test_each_mailbox_is_proven_in_the_digest(language: str) -> None:
    """412 on the server = tickets + replies + … + 0 unexplained, in text, HTML and chat (complaint 1)."""
    edition = a_full_edition()
    _, text, html = digest_mail(edition, texts(language), a_policy())
    post = digest_post(replace(an_empty_edition(), proofs=edition.proofs), texts(language))
    for told in (text, html, post):
        flat = " ".join(told.split())
        assert texts(language).say("proof_class_tickets", n=7) in flat
        assert texts(language).say("proof_class_automatic", n=5) in flat
        assert texts(language).say("digest_attention_unexplained", mailbox="sales", n=2)[:12] in flat
        assert "no route to host" in flat
