"""The organisational half of ``config.yaml``: who works here, what is promised, what follows when.

Key names and defaults are told in ``docs/configuration.md``; values left out are filled by ``bot/config_policy.py``.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bot.config_chat import ChatModel, FormFieldModel, Quiet
from bot.config_defaults import DIGEST_AT
from bot.config_types import (
    CalendarName,
    CategoryName,
    Contact,
    Email,
    FolderPath,
    ImpactName,
    Language,
    MailboxName,
    PriorityName,
    Recipient,
    Secret,
    Section,
    Span,
    SpanOrOff,
    StaffKey,
    Text,
    TimeOfDay,
    UrgencyName,
    Zone,
    read_span,
    shaped,
)
from bot.settings import BackupSettings, LimitSettings, LogSettings, MailSettings, SlackSettings, WebSettings

_STEP = re.compile(r"(?:(\d{1,3})\s*%|(due|opened)\s*(?:\+\s*(\S.*))?)")
_COUNTRY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


def _read_date(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f'"{value}" is not a date; write it such as 2026-10-01') from None


def _check_step(value: str) -> str:
    match = _STEP.fullmatch(value.strip())
    if not match or (match[1] and not 0 < int(match[1]) <= 100):
        raise ValueError(f'"{value}" is not a moment; write "75%", due, "due+10m", "due+4wh", "due+1wd" or "opened+2h"')
    if match[3]:
        read_span(match[3])
    return value.strip()


def _check_country(value: str) -> str:
    if not _COUNTRY.fullmatch(value):
        raise ValueError(f'"{value}" is not a country; write its two letters such as "CN", or "DE-BY" for a region')
    return value


def _read_one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _read_yes(value: object) -> object:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


Day = Annotated[date, BeforeValidator(_read_date)]
StepMoment = Annotated[str, AfterValidator(_check_step)]
Country = Annotated[str, AfterValidator(_check_country)]
YesNo = Annotated[Literal["yes", "no"], BeforeValidator(_read_yes)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Ways = Annotated[list[Literal["chat", "mail"]], BeforeValidator(_read_one_or_many), Field(min_length=1)]
Contacts = Annotated[list[Contact], BeforeValidator(_read_one_or_many)]


class DeskModel(Section):
    """The desk itself."""

    name: Text
    timezone: Zone = "UTC"
    languages: Annotated[list[Language], Field(min_length=1)] = Field(default_factory=lambda: ["en"])
    data_dir: FolderPath | None = None
    calendar: CalendarName | None = None
    secret: Secret | None = None
    wording: FolderPath | None = None


class StorageModel(Section):
    """Where everything is written down."""

    url: Text = "tinydb:./data"
    archive_after: Span = timedelta(days=90)


class ChannelsModel(Section):
    """How the desk hears and speaks."""

    mail: Annotated[list[MailSettings], Field(min_length=1)]
    slack: SlackSettings | None = None
    web: WebSettings = Field(default_factory=WebSettings)


class StaffModel(Section):
    """Somebody who answers."""

    id: Annotated[str, shaped(r"[a-z0-9][a-z0-9_.-]*", "an id of small letters, digits, dots and dashes")] | None = None
    name: Text
    email: Email
    role: Literal["agent", "lead", "manager", "admin"] = "agent"
    slack: Annotated[str, shaped(r"([UW][A-Z0-9]+)?", "a Slack user id such as U0123ABCD")] = ""
    title: str = ""
    language: Language | None = None
    timezone: Zone | None = None
    quiet: Quiet | None = None


class CustomerModel(Section):
    """What is known about senders whose address fits a pattern."""

    match: Text
    tier: str = ""
    contract: str = ""
    timezone: Zone | None = None
    language: Language | None = None
    account_owner: str = ""


class WorkdayModel(Section):
    """A make-up workday and the weekday whose hours it has."""

    date: Day
    like: Weekday


def _read_workday(value: object) -> object:
    if isinstance(value, dict):
        return value
    return {"date": value, "like": "mon"}


class CalendarModel(Section):
    """When the desk works."""

    timezone: Zone | None = None
    always: bool = False
    hours: dict[Weekday, list[str]] = Field(default_factory=dict)
    holidays: Country | None = None
    extra_holidays: list[Day] = Field(default_factory=list)
    extra_workdays: list[Annotated[WorkdayModel, BeforeValidator(_read_workday)]] = Field(default_factory=list)


class SlaModel(Section):
    """What one priority promises. What is left out has the shipped default of that priority."""

    calendar: CalendarName | None = None
    first_response: Span | None = None
    resolution: Span | None = None
    mail_first_response: SpanOrOff = timedelta(hours=4)
    next_update: SpanOrOff = None
    phone_contact: SpanOrOff = None


class LevelModel(Section):
    """One priority: its name and how it looks."""

    name: Text
    icon: str = ""
    labels: dict[Language, Text] = Field(default_factory=dict)
    quiet_exempt: bool = False


class PrioritiesModel(Section):
    """The priorities, most urgent first, and how impact and urgency lead to one."""

    levels: Annotated[list[LevelModel], Field(min_length=1)] | None = None
    matrix: dict[str, dict[str, PriorityName]] | None = None
    default_impact: ImpactName | None = None
    default_urgency: UrgencyName | None = None


class ThenModel(Section):
    """What a rule sets."""

    impact: ImpactName | None = None
    urgency: UrgencyName | None = None
    priority: PriorityName | None = None
    category: CategoryName | None = None
    assign: StaffKey | None = None
    acknowledge: YesNo | None = None
    ticket: YesNo | None = None


class RuleModel(Section):
    """One published rule: when its condition holds, what it sets, and how it is told to people."""

    name: Text
    when: Text
    then: ThenModel
    words: dict[Language, Text] = Field(default_factory=dict)


class StepModel(Section):
    """One rung of an escalation ladder."""

    at: StepMoment
    to: Contact
    by: Ways = Field(default=["chat"])
    repeat: SpanOrOff = None


class EscalationModel(Section):
    """The ladders, by priority; ``default`` holds for priorities that are not named."""

    first_response: dict[str, list[StepModel]] = Field(default_factory=dict)
    resolution: dict[str, list[StepModel]] = Field(default_factory=dict)


class HabitsModel(Section):
    """The times of a ticket's life (R-HA-1, R-CO-2, R-CO-3)."""

    undo_hold: Span = timedelta(seconds=20)
    waiting_reminder: Span = timedelta(hours=24)
    waiting_resolve: Span = timedelta(hours=56)
    resolved_reminder: Span = timedelta(hours=16)
    resolved_close: Span = timedelta(hours=40)
    reopen_within: Span = timedelta(days=14)
    observation: Span = timedelta()
    survey_after: Span = timedelta()
    survey_every: Span = timedelta(days=30)
    low_score: Annotated[int, Field(ge=1, le=5)] = 2
    automatic_answer_every: Span = timedelta(days=1)
    late_after: Span = timedelta(hours=1)
    late_sla: Literal["arrival", "import"] = "import"


class DigestModel(Section):
    """One digest: which period, when, to whom."""

    period: Literal["day", "week", "month", "quarter"] = "day"
    at: TimeOfDay = DIGEST_AT
    to: Annotated[list[Recipient], BeforeValidator(_read_one_or_many), Field(min_length=1)]
    chat: bool = True


class QuickLinkModel(Section):
    """A link offered in acknowledgements."""

    title: Text
    url: Annotated[str, shaped(r"https?://\S+", "a web address that begins with https://")]
    language: str = ""
    category: CategoryName | Literal[""] = ""


class ProbeModel(Section):
    """The mail that the desk sends to itself."""

    mailbox: MailboxName
    every: Span = timedelta(minutes=15)


class ConfigModel(Section):
    """The whole of ``config.yaml``."""

    desk: DeskModel
    storage: StorageModel = Field(default_factory=StorageModel)
    channels: ChannelsModel
    staff: list[StaffModel] = Field(default_factory=list)
    customers: list[CustomerModel] = Field(default_factory=list)
    calendars: dict[str, CalendarModel] = Field(default_factory=dict)
    sla: dict[PriorityName, SlaModel] = Field(default_factory=dict)
    priorities: PrioritiesModel = Field(default_factory=PrioritiesModel)
    categories: Annotated[list[Text], Field(min_length=1)] | None = None
    rules: list[RuleModel] = Field(default_factory=list)
    escalation: EscalationModel = Field(default_factory=EscalationModel)
    habits: HabitsModel = Field(default_factory=HabitsModel)
    digests: list[DigestModel] | None = None
    quick_links: list[QuickLinkModel] = Field(default_factory=list)
    contacts: str = ""
    probe: ProbeModel | None = None
    chat: ChatModel = Field(default_factory=ChatModel)
    forms: dict[CategoryName, list[FormFieldModel]] = Field(default_factory=dict)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    backup: BackupSettings | None = None
    log: LogSettings = Field(default_factory=LogSettings)
