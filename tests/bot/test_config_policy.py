"""What a desk promises when its configuration leaves something out, and how the configuration changes that."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.config import load_config
from rules.model import Role, Target
from rules.policy import Habits, Policy
from tests.bot.config_files import loaded

_SHIPPED = Path(__file__).parent.parent.parent / "config.yaml"

STAFF = """\
staff:
  - {name: Ana Lopez, email: Ana@x.test}
  - {id: mei, name: Mei, email: mei@x.test, role: lead}
  - {name: 李伟, email: li@x.test, role: manager, title: director}
"""


def _ladder(policy: Policy, target: Target, level: str) -> list[tuple[str, float, timedelta, str]]:
    return [(step.base, step.share, step.plus, step.to) for step in policy.ladders[target, level]]


@pytest.fixture
def smallest(tmp_path: Path) -> Policy:
    """The policy of a configuration with nothing but a name, a mailbox and a store."""
    return loaded(tmp_path).policy


def test_the_targets_are_those_of_the_requirements(smallest: Policy) -> None:
    """R-SLA-1."""
    told = {
        level.name: [(promise.target.value, promise.allowed, promise.calendar) for promise in level.promises]
        for level in smallest.levels
    }
    assert told == {
        "P1": [
            ("first_response", timedelta(minutes=15), "always"),
            ("resolution", timedelta(hours=2), "always"),
        ],
        "P2": [
            ("first_response", timedelta(minutes=30), "office"),
            ("resolution", timedelta(hours=4), "office"),
        ],
        "P3": [("first_response", timedelta(hours=2), "office"), ("resolution", timedelta(hours=8), "office")],
        "P4": [("first_response", timedelta(hours=8), "office"), ("resolution", timedelta(hours=40), "office")],
    }


def test_by_mail_no_first_answer_takes_longer_than_four_working_hours(smallest: Policy) -> None:
    """R-SLA-1."""
    for level in smallest.levels:
        assert level.mail_cap is not None
        assert (level.mail_cap.allowed, level.mail_cap.calendar) == (timedelta(hours=4), "office")


def test_the_ladders_of_the_first_response_are_those_of_the_requirements(smallest: Policy) -> None:
    """R-SLA-3."""
    none = timedelta()
    start = [("share", 0.75, none, "responsible"), ("due", 0.0, none, "second")]
    first = Target.FIRST_RESPONSE
    assert _ladder(smallest, first, "P1") == [
        *start,
        ("due", 0.0, timedelta(minutes=10), "lead"),
        ("due", 0.0, timedelta(minutes=25), "manager"),
        ("due", 0.0, timedelta(minutes=45), "director"),
    ]
    assert _ladder(smallest, first, "P2") == [
        *start,
        ("opened", 0.0, timedelta(hours=2), "lead"),
        ("opened", 0.0, timedelta(hours=4), "manager"),
    ]
    for name in ("P3", "P4"):
        assert _ladder(smallest, first, name) == [
            *start,
            ("due", 0.0, timedelta(hours=4), "lead"),
            ("due", 0.0, timedelta(hours=8), "manager"),
        ]


def test_every_priority_has_a_ladder_for_every_target(smallest: Policy) -> None:
    assert set(smallest.ladders) == {(target, level.name) for target in Target for level in smallest.levels}
    assert all(smallest.ladders.values())


def test_the_life_cycle_has_the_times_of_the_requirements(smallest: Policy) -> None:
    """R-HA-1: working days of 8 h; R-CO-2: reopened within 14 days."""
    habits = smallest.habits
    assert (habits.waiting_reminder, habits.waiting_resolve) == (timedelta(hours=24), timedelta(hours=56))
    assert (habits.resolved_reminder, habits.resolved_close) == (timedelta(hours=16), timedelta(hours=40))
    assert (habits.reopen_within, habits.undo_hold) == (timedelta(days=14), timedelta(seconds=20))


def test_without_calendars_the_desk_works_eight_hours_on_weekdays_in_its_own_zone(tmp_path: Path) -> None:
    base = "desk: {name: A, timezone: Asia/Shanghai}\nchannels: {mail: [{address: a@x.test}]}\n"
    policy = loaded(tmp_path, base=base).policy
    office = policy.calendars[policy.calendar]
    assert office.timezone == ZoneInfo("Asia/Shanghai")
    assert dict(office.hours) == dict.fromkeys(range(5), ((540, 720), (780, 1080)))
    assert policy.calendars["always"].always


def test_the_matrix_has_a_priority_for_every_impact_and_urgency(smallest: Policy) -> None:
    names = {level.name for level in smallest.levels}
    assert len(smallest.matrix) == 9
    assert set(smallest.matrix.values()) == names
    assert smallest.matrix[smallest.default_impact, smallest.default_urgency] == "P3"


def test_a_desk_without_staff_has_no_digest_and_one_with_leads_and_managers_has(tmp_path: Path) -> None:
    assert loaded(tmp_path).policy.digests == ()
    (plan,) = loaded(tmp_path, STAFF).policy.digests
    assert (plan.period, plan.at, plan.to, plan.chat) == ("day", 480, ("mei", "674e-4f1f"), True)


def test_a_person_without_an_id_gets_a_stable_key_made_of_the_name(tmp_path: Path) -> None:
    staff = loaded(tmp_path, STAFF).policy.staff
    assert [person.key for person in staff] == ["ana-lopez", "mei", "674e-4f1f"]
    assert [person.role for person in staff] == [Role.AGENT, Role.LEAD, Role.MANAGER]
    assert staff[0].email == "ana@x.test"


def test_one_target_can_be_changed_and_the_others_stay(tmp_path: Path) -> None:
    policy = loaded(
        tmp_path, "sla: {P4: {first_response: 1wd, mail_first_response: off}, P1: {resolution: 1h30m}}\n"
    ).policy
    p1, p4 = policy.level("P1"), policy.level("P4")
    assert p4.mail_cap is None
    assert [promise.allowed for promise in p4.promises] == [timedelta(hours=8), timedelta(hours=40)]
    assert [promise.allowed for promise in p1.promises] == [timedelta(minutes=15), timedelta(minutes=90)]


def test_a_desk_may_have_three_priorities_of_its_own(tmp_path: Path) -> None:
    """R-CL-1, R-SLA-1: no code names a priority."""
    policy = loaded(
        tmp_path,
        """\
        priorities:
          levels: [{name: now, labels: {en: at once}}, {name: soon}, {name: later}]
          matrix: {many: {stuck: now, slow: soon}, one: {stuck: soon, slow: later}}
          default_impact: one
          default_urgency: slow
        sla:
          now: {calendar: always, first_response: 10m, resolution: 1h}
          soon: {first_response: 1h, resolution: 1wd}
          later: {first_response: 4wh, resolution: 3wd}
        escalation:
          first_response:
            now: [{at: due, to: responsible, by: [chat, mail], repeat: 5m}]
        """,
    ).policy
    assert [(level.name, level.rank) for level in policy.levels] == [("now", 1), ("soon", 2), ("later", 3)]
    assert policy.matrix["one", "stuck"] == "soon"
    (step,) = policy.ladders[Target.FIRST_RESPONSE, "now"]
    assert (step.to, step.by, step.repeat) == ("responsible", ("chat", "mail"), timedelta(minutes=5))
    assert len(policy.ladders[Target.FIRST_RESPONSE, "later"]) == 4


def test_a_ladder_of_the_default_name_holds_for_priorities_that_have_none(tmp_path: Path) -> None:
    policy = loaded(tmp_path, 'escalation: {resolution: {default: [{at: "50%", to: mei}]}}\n' + STAFF).policy
    assert _ladder(policy, Target.RESOLUTION, "P3") == [("share", 0.5, timedelta(), "mei")]
    assert len(policy.ladders[Target.FIRST_RESPONSE, "P3"]) == 4


def test_extra_days_change_a_calendar(tmp_path: Path) -> None:
    policy = loaded(
        tmp_path,
        """\
        calendars:
          shop:
            timezone: Europe/Berlin
            hours: {mon: ["08:00-24:00"], sat: ["10:00-14:00"]}
            holidays: DE-BY
            extra_holidays: [2026-04-06]
            extra_workdays: [2026-04-08, {date: 2026-04-09, like: sat}]
        """,
    ).policy
    shop = policy.calendars["shop"]
    assert policy.calendar == "shop"
    assert shop.day_intervals(date(2026, 4, 6)) == ()
    assert shop.day_intervals(date(2026, 4, 8)) == ((480, 1440),)
    assert shop.day_intervals(date(2026, 4, 9)) == ((600, 840),)


def test_a_customer_is_known_by_the_first_pattern_that_fits(tmp_path: Path) -> None:
    policy = loaded(
        tmp_path,
        'customers: [{match: "*@Gold.test", tier: gold, contract: C-1, timezone: UTC}, {match: "*", tier: other}]\n',
    ).policy
    assert (policy.on_file("Jo@gold.test").tier, policy.on_file("x@y.test").tier) == ("gold", "other")


def test_the_shipped_configuration_needs_nothing_and_says_what_the_defaults_say(tmp_path: Path) -> None:
    config = load_config(_SHIPPED, environ={})
    smallest = loaded(tmp_path).policy
    for field in fields(Habits):
        assert getattr(config.policy.habits, field.name) == getattr(smallest.habits, field.name), field.name
    assert config.policy.ladders == smallest.ladders
    assert config.policy.matrix == smallest.matrix
    assert config.policy.levels == smallest.levels
    assert config.policy.categories == smallest.categories
    assert (config.policy.default_impact, config.policy.default_urgency) == ("medium", "medium")
    assert {person.role for person in config.policy.staff} == {Role.AGENT, Role.LEAD, Role.MANAGER}
    assert config.policy.languages == ("en", "zh-CN")


def test_every_shipped_rule_is_told_in_both_languages() -> None:
    for rule in load_config(_SHIPPED, environ={}).policy.rules:
        assert set(rule.words) == {"en", "zh-CN"}, rule.name
