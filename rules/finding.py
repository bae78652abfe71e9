"""What a search through all tickets found."""

from __future__ import annotations

from dataclasses import dataclass

from rules.model import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A ticket as it is now, and the words around the first place that was looked for, empty when it has none.

    ``inside`` says that they stand in a note, which only staff may read.
    """

    ticket: Ticket
    snippet: str = ""
    inside: bool = False
