"""A desk in a process of its own, and what stands around it: its configuration, its mails, a Maildir to look into."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bot.counter import ask
from bot.office import Request

T = TypeVar("T")

READY_WITHIN_S = 60.0
"""A machine that runs other tests beside this one starts a process slowly."""

OURS = "support@example.com"


def until(found: Callable[[], T], what: str, *, within_s: float = 30.0, every_s: float = 0.02) -> T:
    """The first true value of ``found``; asks again and again until then. Fails after ``within_s``, saying ``what``."""
    deadline = time.monotonic() + within_s
    while not (value := found()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within_s:.0f} s for {what}")
        time.sleep(every_s)
    return value


def configuration(
    *,
    mail: Mapping[str, Any] | None = None,
    channels: Mapping[str, Any] | None = None,
    habits: Mapping[str, Any] | None = None,
    **others: Any,
) -> dict[str, Any]:
    """A desk on free ports of the loopback that writes mails into ``outgoing``; what is given replaces its parts."""
    box = {
        "name": "support",
        "address": OURS,
        "smtp_in": {"listen": "127.0.0.1:0"},
        "smtp_out": {"maildir": "./outgoing"},
    } | dict(mail or {})
    box = {key: value for key, value in box.items() if value is not None}
    return {
        "desk": {"name": "Acme Support", "timezone": "UTC", "languages": ["en", "zh-CN"], "data_dir": "./data"},
        "storage": {"url": "tinydb:./data"},
        "channels": {"mail": [box], "web": {"listen": "127.0.0.1:0"}, **(channels or {})},
        "staff": [
            {"id": "ana", "name": "Ana Lopez", "email": "ana@example.com", "role": "agent", "slack": "U0ANA"},
            {"id": "tom", "name": "Tom Becker", "email": "tom@example.com", "role": "manager", "slack": "U0TOM"},
        ],
        "habits": {"undo_hold": "1s", **(habits or {})},
        **others,
    }


def letter(
    sender: str,
    subject: str,
    text: str,
    *,
    message_id: str,
    in_reply_to: str = "",
    to: str = OURS,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A customer's mail as it comes over the wire."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: {message_id}"]
    if in_reply_to:
        lines += [f"In-Reply-To: {in_reply_to}", f"References: {in_reply_to}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", text, ""]).encode()


def mails_in(maildir: Path) -> list[EmailMessage]:
    """Every mail that lies in a Maildir."""
    paths = [path for place in ("new", "cur") if (maildir / place).is_dir() for path in (maildir / place).iterdir()]
    return [a_mail(path.read_bytes()) for path in sorted(paths)]


def a_mail(raw: bytes) -> EmailMessage:
    """A mail's bytes, read."""
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def words_of(mail: EmailMessage) -> str:
    """What a mail says, as its text part has it."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@dataclass(frozen=True)
class Finished:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class DeskProcess:
    """``deskbell run`` in a folder of its own: started, killed, stopped and started again by a test.

    As a context it ends the process whatever happens, and after a failure it prints what the desk logged.
    """

    folder: Path
    config: Mapping[str, Any] | str
    env: Mapping[str, str] = field(default_factory=dict)
    runs: int = 0
    listening: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The desk's data folder."""
        return self.folder / "data"

    @property
    def maildir(self) -> Path:
        """Where it puts its mails when no relay is configured."""
        return self.folder / "outgoing"

    @property
    def log(self) -> Path:
        """What the latest run wrote to stderr."""
        return self.folder / f"desk-{self.runs}.log"

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self.process is not None
        return self.process.pid

    def __enter__(self) -> DeskProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if problem is not None and self.runs:
            sys.stderr.write(
                f"--- the desk's log ({self.log.name}, run {self.runs}) ---\n{self.log_text()[-20_000:]}\n"
            )

    def start(self, before: Callable[[], None] | None = None) -> DeskProcess:
        """Start it and return when it is ready; ``before`` is called in the new process, say to limit it."""
        self.launch(before)
        return self.wait_ready()

    def launch(self, before: Callable[[], None] | None = None) -> None:
        """Start it and do not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = self.config if isinstance(self.config, str) else json.dumps(self.config, ensure_ascii=False)
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")
        self.runs += 1
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                _command("run", self.folder), stdout=subprocess.DEVNULL, stderr=log, cwd=self.folder,
                env={**os.environ, **self.env}, preexec_fn=before,
            )  # fmt: skip

    def wait_ready(self) -> DeskProcess:
        """Return when it listens; fails with its log when it ends instead."""

        def ready() -> dict[str, Any] | None:
            assert self.process is not None
            ended = self.process.poll()
            line = next((line for line in self.logged() if line.get("event") == "ready"), None)
            assert line or ended is None, f"the desk ended with {ended} instead of getting ready:\n{self.log_text()}"
            return line

        line = until(ready, "the desk to be ready", within_s=READY_WITHIN_S)
        assert line is not None
        self.listening = line["listening"]
        return self

    def smtp(self) -> tuple[str, int]:
        """Where it takes mail."""
        host, _, port = self.listening["smtp"].rpartition(":")
        return host, int(port)

    def kill(self) -> None:
        """SIGKILL: it gets no time for anything."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, within_s: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.wait(within_s)

    def wait(self, within_s: float = 30.0) -> int:
        """The exit code, once it has ended."""
        assert self.process is not None
        return self.process.wait(within_s)

    def log_text(self) -> str:
        """What the latest run logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def logged(self) -> Iterator[dict[str, Any]]:
        """The log lines of the latest run; a line that is not yet whole, or not ours, is left out."""
        for line in self.log_text().splitlines():
            if line.startswith("{") and line.endswith("}"):
                yield json.loads(line)

    def ask(self, name: str, **args: Any) -> list[dict[str, Any]]:
        """Ask the running desk over its socket; the answer's lines, the last one ``{"exit": code}``.

        Fewer lines when it dies over the answer, none when it cannot be asked.
        """
        lines = []
        try:
            for line in ask(self.data, Request(name=name, args=args)) or ():
                lines.append(line)
        except (OSError, ValueError):
            # It died in mid-answer; what it said until then is what was heard.
            return lines
        return lines

    def outbox(self, *, everything: bool = True) -> list[dict[str, Any]]:
        """What it owes, or also what it delivered."""
        return [line for line in self.ask("outbox list", all=everything) if "key" in line]

    def command(self, *words: str, within_s: float = 60.0) -> Finished:
        """Run a ``deskbell`` command on this desk's configuration, in a process of its own."""
        done = subprocess.run(
            _command(words[0], self.folder, *words[1:]), capture_output=True, cwd=self.folder, timeout=within_s,
            check=False, env={**os.environ, **self.env},
        )  # fmt: skip
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


def _command(name: str, folder: Path, *words: str) -> Sequence[str]:
    return [sys.executable, "-m", "bot", name, *words, "--config", str(folder / "config.yaml")]
