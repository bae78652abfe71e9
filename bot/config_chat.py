"""The part of ``config.yaml`` that says how the desk behaves in chat, and what the forms of categories ask.

Key names and defaults are told in ``docs/configuration.md``.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bot.config_types import CategoryName, Language, MailboxName, Section, Span, Text, shaped
from bot.settings import SlackChannel
from rules.policy import EMOJI

_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


def _read_quiet(value: object) -> object:
    match = _QUIET.fullmatch(str(value).strip())
    if not match or match[1] + match[2] == match[3] + match[4]:
        raise ValueError(f'"{value}" are no quiet hours; write them such as "22:00-07:00"')
    return int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])


def _read_emoji(value: object) -> object:
    names = [value] if isinstance(value, str) else value
    return [name.strip(":") if isinstance(name, str) else name for name in names] if isinstance(names, list) else names


def _check_emoji(value: list[str]) -> list[str]:
    for name in value:
        if not re.fullmatch(r"[a-z0-9_+'-]+", name):
            raise ValueError(f'"{name}" is not the short name of an emoji; write it such as eyes')
    return value


Quiet = Annotated[tuple[int, int], BeforeValidator(_read_quiet)]
EmojiNames = Annotated[list[str], BeforeValidator(_read_emoji), AfterValidator(_check_emoji), Field(min_length=1)]


class RouteModel(Section):
    """Which tickets another channel gets."""

    channel: SlackChannel
    categories: list[CategoryName] = Field(default_factory=list)
    mailboxes: list[MailboxName] = Field(default_factory=list)


class RequestsModel(Section):
    """Where employees ask in chat, and how they are answered."""

    channels: list[SlackChannel] = Field(default_factory=list)
    direct: bool = True
    burst: Span = timedelta(minutes=2)
    mail: Literal["ask", "yes", "no"] = "ask"


class EmojiModel(Section):
    """Which reactions ask for what; one name or several."""

    claim: EmojiNames = Field(default_factory=lambda: list(EMOJI["claim"]))
    resolve: EmojiNames = Field(default_factory=lambda: list(EMOJI["resolve"]))
    open: EmojiNames = Field(default_factory=lambda: list(EMOJI["open"]))
    send: EmojiNames = Field(default_factory=lambda: list(EMOJI["send"]))


class ChatModel(Section):
    """How the desk behaves in chat."""

    replies: Literal["direct", "explicit"] = "direct"
    ask_again: Span = timedelta(minutes=2)
    mail_after: Span = timedelta(seconds=45)
    snooze: Span = timedelta(minutes=30)
    routes: list[RouteModel] = Field(default_factory=list)
    requests: RequestsModel = Field(default_factory=RequestsModel)
    emoji: EmojiModel = Field(default_factory=EmojiModel)


class FormFieldModel(Section):
    """One thing that a category's form asks."""

    name: Annotated[str, shaped(r"[a-z][a-z0-9_]{0,40}", "a name of small letters, digits and underscores")]
    label: dict[Language, Text]
    required: bool = False
    choices: list[Text] = Field(default_factory=list)
