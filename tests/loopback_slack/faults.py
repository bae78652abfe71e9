"""The things that go wrong on the way to Slack, queued by a test and met one by one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tests.loopback_slack.errors import ControlError

ANY_METHOD = "*"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call.

    `status` answers with that HTTP status, `error` with a business error, `retry_after_s` adds the header (and is
    a 429 unless told otherwise), `delay_s` waits before anything else, `drop` cuts the connection. `after_work` lets
    the call do its work and only then waits or goes wrong, which is how a post comes to exist that its sender never
    heard of.
    """

    status: int | None = None
    error: str | None = None
    retry_after_s: int | None = None
    delay_s: float = 0.0
    drop: bool = False
    after_work: bool = False

    @property
    def breaks_the_answer(self) -> bool:
        """Whether the caller does not get Slack's own answer."""
        return self.drop or bool(self.status or self.error or self.retry_after_s is not None)


class FaultQueue:
    """Faults per method, taken in the order in which they were queued."""

    def __init__(self) -> None:
        self._queued: dict[str, list[Fault]] = {}

    def add(self, method: str, times: int, **fault: Any) -> None:
        """Queue the same fault so many times for a method (`*` for any). Raises ControlError on an unknown part."""
        try:
            made = Fault(**fault)
        except TypeError as error:
            raise ControlError(str(error)) from error
        self._queued.setdefault(method, []).extend([made] * times)

    def take(self, method: str) -> Fault | None:
        """The next fault for this call, if one is queued."""
        for key in (method, ANY_METHOD):
            if self._queued.get(key):
                return self._queued[key].pop(0)
        return None

    def clear(self) -> None:
        self._queued.clear()

    def left(self) -> dict[str, list[dict[str, Any]]]:
        """What is still queued, by method."""
        return {method: [asdict(fault) for fault in faults] for method, faults in self._queued.items() if faults}


@dataclass
class DeliveryFaults:
    """What goes wrong with events on their way to the app."""

    drop_next: int = 0
    duplicate_next: int = 0
    held: bool = False

    def next(self) -> Literal["send", "drop", "duplicate", "hold"]:
        """What happens to the next event."""
        if self.drop_next:
            self.drop_next -= 1
            return "drop"
        if self.held:
            return "hold"
        if self.duplicate_next:
            self.duplicate_next -= 1
            return "duplicate"
        return "send"
