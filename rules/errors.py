"""Every error of the house, in one tree. A message says what, where and what to do.

DeskbellError
├── ConfigError                      the owner's to fix: exit 2 before any socket opens
├── StoreError                       the machine's
│   ├── StoreUnavailableError        try again: SMTP 451, nothing confirmed
│   │   └── StoreAwayError           the database is away and may come back by itself: the desk waits for it
│   ├── StoreLockedError             another process owns the data folder
│   ├── ConflictError                somebody else changed it: run the unit of work again
│   └── CorruptStoreError            stop, do not write, say where the damage is
├── ChannelError
│   ├── OAuthError                   no access token: sign in again, or wait for the provider
│   └── DeliveryError
│       ├── TemporaryDeliveryError   wait and try again
│       ├── PermanentDeliveryError   tell staff, by another channel
│       └── UncertainDeliveryError   it may have been sent: a person decides
└── RuleError                        ours: a bug
    └── IllegalTransitionError       a status move that the table does not have
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


class DeskbellError(Exception):
    """The base of every error that Deskbell raises on purpose."""


class ConfigError(DeskbellError):
    """The configuration cannot be used; ``problems`` lists all of them, each with file, line and column."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StoreError(DeskbellError):
    """The store could not do what was asked."""


class StoreUnavailableError(StoreError):
    """Nothing was written (disk full, database away). Confirm nothing; try again later."""


class StoreAwayError(StoreUnavailableError):
    """The database cannot be reached, or went away in the middle; it may come back, and the desk waits for it.

    Of a commit that was under way nobody knows whether it was kept: confirm nothing, and let it come again.
    """


class StoreLockedError(StoreError):
    """Another process owns the data folder."""


class ConflictError(StoreError):
    """Somebody else changed the ticket meanwhile; run the unit of work again."""


class CorruptStoreError(StoreError):
    """What is on disk contradicts itself. Nothing is written; the message says where and what to do."""


class ChannelError(DeskbellError):
    """A channel could not hear or speak."""


class OAuthError(ChannelError):
    """No access token could be had; ``refused`` says that trying again is of no use before a person did something.

    ``code`` is the provider's own word (RFC 6749 §5.2), where it gave one.
    """

    def __init__(self, problem: str, *, code: str = "", refused: bool = False) -> None:
        super().__init__(problem)
        self.code = code
        self.refused = refused


class DeliveryError(ChannelError):
    """An effect could not be delivered."""


class TemporaryDeliveryError(DeliveryError):
    """Not now: try again, not before ``retry_after`` if the other side named a time.

    It ``stands`` when the way itself is closed, which is no fault of what was to go: that is never given up. It was
    ``untried`` when nothing was handed over at all, so that it does not count as a try.
    """

    def __init__(
        self, problem: str, retry_after: timedelta | None = None, *, stands: bool = False, untried: bool = False
    ) -> None:
        super().__init__(problem)
        self.retry_after = retry_after
        self.stands = stands
        self.untried = untried


class PermanentDeliveryError(DeliveryError):
    """Never: the other side refused for good."""


class UncertainDeliveryError(DeliveryError):
    """The line dropped after the content was handed over: it may have been taken."""


class RuleError(DeskbellError):
    """A bug of ours in deciding."""


class IllegalTransitionError(RuleError):
    """A status move that the life-cycle table does not have."""
