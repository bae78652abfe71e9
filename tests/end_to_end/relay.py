"""A mail relay in a process of its own: takes every mail, keeps it as a file, and says when it has answered.

``python -m tests.end_to_end.relay FOLDER`` prints its port. ``received`` holds the mails that came whole, ``answered``
those of them that got their 250. With ``--slow MS`` the answer takes so long.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP

from tests.end_to_end.parts import a_mail

RECEIVED, ANSWERED = "received", "answered"


class Takes:
    """Keeps mails in a folder; aiosmtpd calls it by name."""

    def __init__(self, folder: Path, slow_s: float) -> None:
        self._folder = folder
        self._slow_s = slow_s
        for place in (RECEIVED, ANSWERED):
            (folder / place).mkdir(parents=True, exist_ok=True)
        self._count = 0

    async def handle_EHLO(  # noqa: N802 - the name is aiosmtpd's
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer PIPELINING, as nearly every relay does (RFC 2920)."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the name is aiosmtpd's
        """Keep a mail, then answer."""
        self._count += 1
        name = f"{self._count:06d}.eml"
        kept = self._folder / RECEIVED / name
        kept.with_suffix(".part").write_bytes(envelope.content)
        kept.with_suffix(".part").rename(kept)
        await asyncio.sleep(self._slow_s)
        (self._folder / ANSWERED / name).hardlink_to(kept)
        return f"250 2.0.0 queued as Q{self._count}"


@dataclass
class RelayProcess:
    """The relay as a test holds it."""

    folder: Path
    slow_ms: int = 0
    port: int = 0
    process: subprocess.Popen[str] | None = None
    _read: dict[Path, EmailMessage] = field(default_factory=dict)

    def __enter__(self) -> RelayProcess:
        words = [sys.executable, "-m", "tests.end_to_end.relay", str(self.folder), "--slow", str(self.slow_ms)]
        root = Path(__file__).parent.parent.parent
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=root)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    @property
    def way_out(self) -> dict[str, Any]:
        """The ``smtp_out`` of a desk that sends through it."""
        return {"host": "127.0.0.1", "port": self.port, "tls": False}

    def mails(self) -> list[EmailMessage]:
        """Every mail that came whole, in the order they came."""
        return [self._mail(path) for path in sorted((self.folder / RECEIVED).glob("*.eml"))]

    def answered(self) -> list[EmailMessage]:
        """Every mail that was answered 250."""
        return [self._mail(path) for path in sorted((self.folder / ANSWERED).glob("*.eml"))]

    def changed(self, place: str) -> int:
        """A number that grows when a mail comes into ``received`` or ``answered``."""
        return (self.folder / place).stat().st_mtime_ns

    def _mail(self, path: Path) -> EmailMessage:
        if path not in self._read:
            self._read[path] = a_mail(path.read_bytes())
        return self._read[path]


async def serve(folder: Path, slow_s: float) -> None:
    """Take mails until the process is ended."""
    takes = Takes(folder, slow_s)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(takes, hostname="relay", loop=loop), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slow", type=int, default=0, metavar="MS")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.folder, chosen.slow / 1000))
