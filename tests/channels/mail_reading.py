"""Reading mails in tests: a whole mail, or one header with a body."""

from __future__ import annotations

from datetime import UTC, datetime

from channels.mail.parse import parse
from rules.model import Message

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXT = "Content-Type: text/plain\r\n\r\nplain words"
HTML = "Content-Type: text/html\r\n\r\n<p>html words</p>"
IMAGE = (
    "Content-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\naW1hZ2U="
)
FILE = "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%PDF"


def read(raw: bytes | str, **given: object) -> Message:
    data = raw.encode() if isinstance(raw, str) else raw
    return parse(data, received_at=NOW, channel="mail:support", **given)  # type: ignore[arg-type] # passed on as given


def with_header(line: str | bytes, body: bytes = b"Hello") -> Message:
    data = line.encode() if isinstance(line, str) else line
    return read(b"Message-ID: <1@x>\r\n" + data + b"\r\n\r\n" + body)


def multipart(subtype: str, *parts: str, boundary: str = "b", closed: bool = True) -> str:
    pieces = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    end = f"--{boundary}--\r\n" if closed else ""
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n{pieces}{end}'
