"""How one workspace is reached, and who the desk is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from channels.slack.hearing.inbox import SETTLE_S
from channels.slack.hearing.sweep import EVERY_S
from channels.slack.hearing.sweep_reads import CALLS_A_MINUTE
from channels.slack.sockets import PING_EVERY_S

SLACK_API = "https://slack.com/api/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConnection:
    """How to reach one workspace. ``api_url`` ends in ``/``; ``listen`` is the address for signed HTTP events.

    With two sockets a click that comes while one of them reconnects is not lost (complaint 75).
    """

    channel: str
    bot_token: str = field(repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    api_url: str = SLACK_API
    mode: Literal["socket", "http"] = "socket"
    listen: tuple[str, int] = ("127.0.0.1", 3000)
    sockets: int = 2
    posts_per_second: float = 1.0
    settle_s: float = SETTLE_S
    sweep_every_s: float = EVERY_S
    sweep_calls: int = CALLS_A_MINUTE
    ping_every_s: float = PING_EVERY_S
    shared: bool = False
    """Whether other processes of the desk may hear at the same address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are in the workspace."""

    team: str
    user: str
    bot: str
