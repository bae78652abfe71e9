"""What it costs to understand a mail, beside the standard library's parse of the same bytes, in the same run.

The yardstick is ``email.message_from_bytes`` with ``policy.default`` alone: it finds the parts and reads no header and
no word. Ours reads headers, text, reply text, language, judgement and every file with its hash; ``read`` is of that
what the aim names: headers, text, reply text and the files. Turns alternate, so that whatever else the machine does
hits all; medians are shown, and the ratios of the medians to the yardstick are what to compare.
"""

from __future__ import annotations

import argparse
import base64
import email
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import policy

from channels.mail import bodies, headers
from channels.mail.dates import date_of
from channels.mail.inspect import inspect
from channels.mail.parse import parse
from channels.mail.reply import split_reply
from channels.mail.structure import read_tree

AIM_RATIO, AIM_INSPECT_MS = 1.0, 1.5
_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_ORDINARY = 10_000
_HEAD = (
    "Return-Path: <ana@example.org>\r\nReceived: from mail.example.org (mail.example.org [192.0.2.1])\r\n"
    "\tby mx.example.com with ESMTPS id abc123\r\n\tfor <support@example.com>; Mon, 02 Mar 2026 10:00:01 +0100\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=k1;\r\n\th=from:to:subject:date;\r\n"
    "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=abcdef\r\n"
    "Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=example.org; dkim=pass; dmarc=pass\r\n"
    "From: =?utf-8?Q?Ana_L=C3=ADma?= <ana@example.org>\r\nTo: Support <support@example.com>\r\n"
    "Cc: Bo <bo@example.org>\r\nSubject: =?utf-8?B?UHJpbnRlciBpcyBkb3duIGFnYWlu?=\r\n"
    "Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nMessage-ID: <17.42@example.org>\r\nIn-Reply-To: <16@example.com>\r\n"
    "References: <15@example.com> <16@example.com>\r\nMIME-Version: 1.0\r\n"
)
_SAID = "The printer on the second floor does not print any more since this morning. We tried to restart it."
_WORDS = _SAID.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one mail costs in milliseconds of the processor, each the median of many turns."""

    size: int
    read_ms: float
    parse_ms: float
    standard_ms: float
    inspect_ms: float

    @property
    def ratio(self) -> float:
        """Our whole parse over the standard library's."""
        return self.parse_ms / self.standard_ms

    @property
    def read_ratio(self) -> float:
        """Headers, text, reply text and files over the standard library's parse."""
        return self.read_ms / self.standard_ms


def mails() -> dict[str, bytes]:
    """The four mails that the aim names."""
    return {
        "4 kB text": f"{_HEAD}Content-Type: text/plain; charset=utf-8\r\n\r\n{_reply(4_000)}".encode(),
        "4 kB alternative": (_HEAD + _alternative(4_000)).encode(),
        "100 kB with a file": (_HEAD + _with_file(100_000)).encode(),
        "5 MB with a file": (_HEAD + _with_file(5_000_000)).encode(),
    }


def _text(size: int) -> str:
    chance = random.Random(1)
    lines: list[str] = []
    while sum(map(len, lines)) < size:
        lines.append(" ".join(chance.choice(_WORDS) for _ in range(12)) + "\r\n")
        lines += ["\r\n"] if len(lines) % 6 == 0 else []
    return "".join(lines)


def _reply(size: int) -> str:
    quoted = "".join(f"> {line}\r\n" for line in _text(size // 3).split("\r\n"))
    return f"{_text(size // 2)}\r\nOn Sun, 1 Mar 2026 at 10:00, Support <support@example.com> wrote:\r\n{quoted}"


def _alternative(size: int) -> str:
    paragraphs = "".join(f"<p>{line}</p>\r\n" for line in _text(size // 3).split("\r\n") if line)
    html = f'<html><body>{paragraphs}<div class="gmail_quote">On Sun<blockquote>old</blockquote></div></body></html>'
    return (
        'Content-Type: multipart/alternative; boundary="00000000000012"\r\n\r\n'
        f'--00000000000012\r\nContent-Type: text/plain; charset="UTF-8"\r\n\r\n{_reply(size // 2)}\r\n'
        '--00000000000012\r\nContent-Type: text/html; charset="UTF-8"\r\n'
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{html.replace('=', '=3D')}\r\n--00000000000012--\r\n"
    )


def _with_file(size: int) -> str:
    coded = base64.encodebytes(random.Random(3).randbytes(size * 3 // 4)).decode().replace("\n", "\r\n")
    return (
        'Content-Type: multipart/mixed; boundary="0000000000aa"\r\n\r\n'
        f"--0000000000aa\r\n{_alternative(4_000)}\r\n--0000000000aa\r\n"
        'Content-Type: application/pdf; name="plan.pdf"\r\nContent-Disposition: attachment; filename="plan.pdf"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{coded}--0000000000aa--\r\n"
    )


def read(raw: bytes) -> None:
    """What the aim names: the headers, the text, what of it is new, and the files."""
    tree = read_tree(raw)
    body = bodies.read_body(raw, tree)
    fields = tree.root.fields
    for name in ("from", "to", "cc", "reply-to"):
        headers.addresses_of(fields.get(name, []))
    for name in ("message-id", "in-reply-to", "references"):
        headers.ids_of(fields.get(name, []))
    headers.text_of(tree.root.first("subject"))
    date_of(tree.root.first("date"))
    split_reply(body.text, body.spans)


def cost_of(raw: bytes, turns: int) -> Cost:
    """Measure one mail: reading, parse, the standard library's parse and inspect, turn by turn."""
    ways: dict[str, Callable[[], object]] = {
        "read": lambda: read(raw),
        "parse": lambda: parse(raw, received_at=_NOW, channel="mail:support", trusted_hosts=("mx.example.com",)),
        "standard": lambda: email.message_from_bytes(raw, policy=policy.default),
        "inspect": lambda: inspect(raw),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, way in ways.items():
            began = time.process_time()
            way()
            if turn:
                taken[name].append((time.process_time() - began) * 1000)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    return Cost(
        size=len(raw),
        read_ms=medians["read"],
        parse_ms=medians["parse"],
        standard_ms=medians["standard"],
        inspect_ms=medians["inspect"],
    )


def met(cost: Cost) -> bool:
    """Whether reading a mail keeps within the aim; ``inspect`` is bounded for ordinary mail only."""
    return cost.read_ratio <= AIM_RATIO and (cost.size > _ORDINARY or cost.inspect_ms <= AIM_INSPECT_MS)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 1 when an aim was missed."""
    parser = argparse.ArgumentParser(prog="benchmarks parsing", description=__doc__)
    parser.add_argument("--turns", type=int, default=400, help="turns for the small mails; large ones take fewer")
    parser.add_argument("--json", action="store_true", help="print the figures for machines")
    asked = parser.parse_args(words)
    costs = {
        name: cost_of(raw, max(5, asked.turns if len(raw) < _ORDINARY else asked.turns * _ORDINARY // len(raw)))
        for name, raw in mails().items()
    }
    if asked.json:
        ratios = {name: {"ratio": cost.ratio, "read_ratio": cost.read_ratio} for name, cost in costs.items()}
        print(json.dumps({name: asdict(cost) | ratios[name] for name, cost in costs.items()}, indent=2))
    else:
        print(_table(costs))
    return 0 if all(map(met, costs.values())) else 1


def _table(costs: dict[str, Cost]) -> str:
    lines = [
        f"| {'milliseconds a mail':<20} | {'standard':>8} | {'read':>8} | {'ratio':>6} | {'parse':>8} | {'ratio':>6} "
        f"| {'inspect':>8} |",
        f"| {'-' * 20} | {'-' * 7}: | {'-' * 7}: | {'-' * 5}: | {'-' * 7}: | {'-' * 5}: | {'-' * 7}: |",
    ]
    lines += [
        f"| {name:<20} | {cost.standard_ms:>8.3f} | {cost.read_ms:>8.3f} | {cost.read_ratio:>6.2f} "
        f"| {cost.parse_ms:>8.3f} | {cost.ratio:>6.2f} | {cost.inspect_ms:>8.3f} |"
        for name, cost in costs.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
