"""A small desk for the Slack tests: its policy, and a hand-written stand-in that remembers what it was told."""

from __future__ import annotations

from typing import Any

from rules.model import Role
from rules.policy import Habits, Level, Mailbox, Policy, Staff
from rules.wording import Texts, Wording

ANA = Staff(key="ana", name="Ana Silva", email="ana@example.com", slack="U0ANA", role=Role.AGENT)
BEN = Staff(key="ben", name="Ben Okafor", email="ben@example.com", role=Role.LEAD)


def a_policy(**changes: Any) -> Policy:
    """The published rules of a desk with two people, one mailbox and four priorities."""
    levels = tuple(
        Level(name=f"P{rank}", rank=rank, icon=icon, labels={"en": label}, promises=())
        for rank, icon, label in ((1, "🔴", "Critical"), (2, "🟠", "High"), (3, "🟡", "Normal"), (4, "🟢", "Low"))
    )
    values: dict[str, Any] = {
        "desk_name": "Acme Support",
        "timezone": "Asia/Shanghai",
        "languages": ("en", "zh-CN"),
        "calendar": "always",
        "mailboxes": (Mailbox(name="support", address="support@example.com"),),
        "staff": (ANA, BEN),
        "customers": (),
        "calendars": {},
        "levels": levels,
        "matrix": {},
        "categories": ("hardware", "account", "other"),
        "rules": (),
        "ladders": {},
        "habits": Habits(),
        "digests": (),
        "quick_links": (),
        "contacts": "",
        "wording": Wording(languages={"en": Texts(language="en", texts={})}, default="en"),
        "secret": b"secret",
    }
    return Policy(**{**values, **changes})
