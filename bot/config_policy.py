"""Builds the policy from a checked configuration, filling in what was left out with the shipped defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot import config_defaults as shipped
from bot.config_chat import FormFieldModel
from bot.config_checks import staff_key
from bot.config_models import (
    CalendarModel,
    ConfigModel,
    DigestModel,
    LevelModel,
    RuleModel,
    SlaModel,
    StaffModel,
    StepModel,
)
from bot.config_types import read_span
from rules.conditions import compile_condition
from rules.hours import WEEKDAYS, Calendar, parse_hours
from rules.matching import Rule
from rules.model import Role, Target
from rules.policy import (
    ChatHabits,
    CustomerMatch,
    DigestPlan,
    FormField,
    Habits,
    Level,
    Limits,
    Mailbox,
    Policy,
    ProbePlan,
    Promise,
    QuickLink,
    Route,
    Staff,
    Step,
)
from rules.wording import Wording


def build_policy(model: ConfigModel, wording: Wording, secret: bytes) -> Policy:
    """The policy as the configuration says it. Raises ValueError only for a configuration that was not checked."""
    calendars = _calendars(model)
    calendar = model.desk.calendar or _usual_calendar(calendars)
    levels = _levels(model, calendar)
    staff = tuple(_staff(person) for person in model.staff)
    categories = tuple(model.categories or shipped.CATEGORIES)
    mailboxes = _mailboxes(model)
    web = model.channels.web
    return Policy(
        desk_name=model.desk.name,
        timezone=model.desk.timezone,
        languages=tuple(model.desk.languages),
        calendar=calendar,
        mailboxes=mailboxes,
        staff=staff,
        customers=_customers(model),
        calendars=calendars,
        levels=levels,
        matrix=_matrix(model),
        categories=categories,
        rules=tuple(_rule(rule) for rule in model.rules),
        ladders=_ladders(model, levels),
        habits=Habits(**{name: getattr(model.habits, name) for name in type(model.habits).model_fields}),
        digests=_digests(model, staff),
        chat=_chat(model),
        forms={name: tuple(_form_field(one) for one in asked) for name, asked in model.forms.items()},
        probe=ProbePlan(mailbox=model.probe.mailbox, every=model.probe.every) if model.probe else None,
        limits=Limits(**{one.name: getattr(model.limits, one.name) for one in fields(Limits)}),
        quick_links=tuple(QuickLink(**link.model_dump()) for link in model.quick_links),
        contacts=model.contacts.strip(),
        wording=wording,
        secret=secret,
        public_url=(web.public_url or (f"http://{web.listen}" if web.listen.port else "")).rstrip("/"),
        default_impact=model.priorities.default_impact or shipped.DEFAULT_IMPACT,
        default_urgency=model.priorities.default_urgency or shipped.DEFAULT_URGENCY,
        default_category="other" if "other" in categories else categories[-1],
    )


def build_calendar(name: str, model: CalendarModel, timezone: str) -> Calendar:
    """One calendar. Raises ValueError, in a sentence for people, when its hours or days contradict each other."""
    return Calendar(
        name=name,
        timezone=ZoneInfo(model.timezone or timezone),
        hours=parse_hours({str(day): intervals for day, intervals in model.hours.items()}),
        always=model.always,
        closed=frozenset(model.extra_holidays),
        workdays_like={day.date: WEEKDAYS.index(day.like) for day in model.extra_workdays},
    )


def parse_moment(at: str) -> tuple[str, float, timedelta]:
    """Read a ladder's ``75%``, ``due+4wh`` or ``opened+2h`` as base, share and time after it."""
    if at.endswith("%"):
        return "share", int(at.removesuffix("%")) / 100, timedelta()
    base, _, plus = (part.strip() for part in at.partition("+"))
    return base, 0.0, read_span(plus) if plus else timedelta()


def _calendars(model: ConfigModel) -> Mapping[str, Calendar]:
    office = CalendarModel.model_validate({"hours": shipped.OFFICE_HOURS})
    configured = dict(model.calendars) or {shipped.OFFICE: office}
    configured.setdefault(shipped.ALWAYS, CalendarModel(always=True))
    return {name: build_calendar(name, one, model.desk.timezone) for name, one in configured.items()}


def _usual_calendar(calendars: Mapping[str, Calendar]) -> str:
    """``office`` when there is one, else the first that closes at times, else the first."""
    if shipped.OFFICE in calendars:
        return shipped.OFFICE
    return next((name for name, calendar in calendars.items() if not calendar.always), next(iter(calendars)))


def _levels(model: ConfigModel, calendar: str) -> tuple[Level, ...]:
    configured = model.priorities.levels or [
        LevelModel(name=name, icon=icon, labels={"en": en, "zh-CN": zh}, quiet_exempt=name in shipped.QUIET_EXEMPT)
        for name, icon, en, zh in shipped.LEVELS
    ]
    return tuple(_level(rank, level, model, calendar) for rank, level in enumerate(configured, start=1))


def _level(rank: int, level: LevelModel, model: ConfigModel, desk_calendar: str) -> Level:
    sla = model.sla.get(level.name) or SlaModel()
    usual = shipped.ALWAYS if level.name in shipped.ROUND_THE_CLOCK else desk_calendar
    calendar = sla.calendar or usual
    allowed = {Target.FIRST_RESPONSE: sla.first_response, Target.RESOLUTION: sla.resolution}
    defaults = shipped.PROMISES.get(level.name, {})
    promises = tuple(
        Promise(target=target, allowed=given if given is not None else defaults[target], calendar=calendar)
        for target, given in allowed.items()
    )
    cap = sla.mail_first_response
    return Level(
        name=level.name,
        rank=rank,
        icon=level.icon,
        labels=dict(level.labels),
        promises=promises,
        mail_cap=Promise(target=Target.FIRST_RESPONSE, allowed=cap, calendar=desk_calendar) if cap else None,
        quiet_exempt=level.quiet_exempt,
    )


def _chat(model: ConfigModel) -> ChatHabits:
    chat, slack = model.chat, model.channels.slack
    return ChatHabits(
        replies=chat.replies,
        channel=slack.channel if slack else "",
        routes=tuple(
            Route(channel=one.channel, categories=tuple(one.categories), mailboxes=tuple(one.mailboxes))
            for one in chat.routes
        ),
        requests=tuple(chat.requests.channels),
        direct_requests=chat.requests.direct,
        burst=chat.requests.burst,
        answers_by_mail=chat.requests.mail,
        ask_again=chat.ask_again,
        mail_after=chat.mail_after,
        snooze=chat.snooze,
        emoji={name: tuple(getattr(chat.emoji, name)) for name in type(chat.emoji).model_fields},
    )


def _form_field(field: FormFieldModel) -> FormField:
    return FormField(name=field.name, label=dict(field.label), required=field.required, choices=tuple(field.choices))


def _staff(person: StaffModel) -> Staff:
    return Staff(
        key=person.id or staff_key(person.name),
        name=person.name,
        email=person.email,
        role=Role(person.role),
        slack=person.slack,
        title=person.title,
        language=person.language or "",
        timezone=person.timezone or "",
        quiet=person.quiet,
    )


def _mailboxes(model: ConfigModel) -> tuple[Mailbox, ...]:
    return tuple(
        Mailbox(
            name=box.name,
            address=box.address,
            aliases=tuple(box.aliases),
            display_name=box.display_name or model.desk.name,
            signed_replies=box.signed_replies,
            trusted_hosts=tuple(box.trusted_hosts),
        )
        for box in model.channels.mail
    )


def _customers(model: ConfigModel) -> tuple[CustomerMatch, ...]:
    return tuple(
        CustomerMatch(
            pattern=customer.match.lower(),
            tier=customer.tier,
            contract=customer.contract,
            timezone=customer.timezone or "",
            language=customer.language or "",
            account_owner=customer.account_owner,
        )
        for customer in model.customers
    )


def _matrix(model: ConfigModel) -> Mapping[tuple[str, str], str]:
    rows = model.priorities.matrix or shipped.MATRIX
    return {(impact, urgency): name for impact, row in rows.items() for urgency, name in row.items()}


def _rule(rule: RuleModel) -> Rule:
    then = {name: value for name, value in rule.then.model_dump().items() if value is not None}
    return Rule(name=rule.name, when=compile_condition(rule.when), then=then, words=dict(rule.words))


def _ladders(model: ConfigModel, levels: tuple[Level, ...]) -> Mapping[tuple[Target, str], tuple[Step, ...]]:
    ladders = {}
    for target in Target:
        configured: dict[str, list[StepModel]] = getattr(model.escalation, target.value)
        for level in levels:
            steps = configured.get(level.name)
            if steps is None and (target, level.name) not in shipped.LADDERS:
                steps = configured.get("default")
            default = shipped.LADDERS.get((target, level.name), shipped.LADDER)
            ladders[target, level.name] = default if steps is None else tuple(_step(step) for step in steps)
    return ladders


def _step(step: StepModel) -> Step:
    base, share, plus = parse_moment(step.at)
    repeat = step.repeat or timedelta()
    return Step(base=base, share=share, plus=plus, to=step.to, by=tuple(step.by), repeat=repeat)


def _digests(model: ConfigModel, staff: tuple[Staff, ...]) -> tuple[DigestPlan, ...]:
    if model.digests is not None:
        return tuple(_digest(digest, staff) for digest in model.digests)
    keys = tuple(person.key for person in staff if person.role in (Role.LEAD, Role.MANAGER))
    return (DigestPlan(period="day", at=shipped.DIGEST_AT, to=keys),) if keys else ()


def _digest(digest: DigestModel, staff: tuple[Staff, ...]) -> DigestPlan:
    """Roles are spelt out as people, so that each person's digest has a name of its own."""
    keys = [person.key for name in digest.to for person in staff if name in (person.key, person.role.value)]
    return DigestPlan(period=digest.period, at=digest.at, to=tuple(dict.fromkeys(keys)), chat=digest.chat)
