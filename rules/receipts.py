"""What a relay calls a mail that it took: the name under which its owner finds it in the relay's own log."""

from __future__ import annotations

import re

# Postfix, Exim, Exchange, qmail, Google, Haraka, Amazon, Sendmail and OpenSMTPD, as their reply lines name it.
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"queued (?:mail for delivery )?as ([A-Za-z0-9._-]{3,100})",
        r"\bid=([A-Za-z0-9._-]{5,100})",
        r"\[InternalId=(\d{1,30})",
        r"\bok \d{6,12} qp (\d{1,12})",
        r"\bok {1,3}\d{9,12} ([A-Za-z0-9.-]{8,80}) - gsmtp",
        r"Message Queued \(([A-Za-z0-9.-]{8,80})\)",
        r"^250 (?:2\.\d\.\d )?ok ([0-9a-f]{16}-[0-9a-f-]{10,60})",
        r"^250 2\.0\.0 ([A-Za-z0-9]{6,40}) message accepted for delivery",
        r"^250 2\.0\.0:? ([0-9a-f]{8}) message accepted",
    )
)
_LONGEST_LINE = 600


def queue_id(receipt: str) -> str:
    """The relay's own name of a mail, from its reply line; empty where it told none (complaint 21)."""
    line = receipt[:_LONGEST_LINE]
    if not line.startswith("250"):
        return ""
    return next((found[1] for form in _FORMS if (found := form.search(line))), "")
