"""A real PostgreSQL of one's own: started in a folder of its own, heard only there, gone afterwards.

For the tests and the benchmarks. No network: it listens on a socket in a folder that only its user may enter, so it
needs no password and no port. Root may not run it; then it runs as ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres.programs import MISSING, PACKAGED, find_programs

USER = "deskbell"
OTHERS = ("postgres", "nobody")
"""Who runs the server when we are root, the first who exists."""

STOPS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""PostgreSQL's shutdown modes: break off what is under way and write all down, or as if the power went."""

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "max_connections": "300",
    "lc_messages": "C",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
CARELESS: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""What a test that loses no power can do without; the server's own default is on."""

_STARTS_WITHIN_S = 60.0
_PREFIX = "deskbell-pg-"


class PostgresError(RuntimeError):
    """The server could not be found, made or started; the message ends with what it wrote to its log."""


@dataclass
class PostgresServer:
    """One server. ``folder`` is wholly its own and short enough for the path of a socket (about 90 bytes)."""

    folder: Path
    programs: Path
    durable: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    segment_mb: int = 16
    """The size of each file of its log, chosen when the cluster is made."""
    process: subprocess.Popen[bytes] | None = None
    _templates: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server wrote, over all its lives."""
        return self.folder / "server.log"

    def url(self, database: str = "postgres") -> str:
        """Where a desk finds a database, in the words of ``storage.url``."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def make(self) -> None:
        """Make the cluster. Raises PostgresError when ``initdb`` does not."""
        words = (
            f"--wal-segsize={self.segment_mb}",
            "--auth=trust",
            "--no-locale",
            "--encoding=UTF8",
            "--no-sync",
            "--no-instructions",
        )
        made = self._run("initdb", "--pgdata", str(self.data), "--username", USER, *words)
        if made.returncode:
            raise PostgresError(f"initdb made no cluster: {made.stderr.decode('utf-8', 'replace').strip()}")

    def start(self) -> None:
        """Start the server and return when it takes questions; after a crash, when it has recovered.

        Raises PostgresError when it ends at once or takes longer than a minute.
        """
        if self.process is not None:
            raise PostgresError("the server runs already")
        options = {**SETTINGS, **({} if self.durable else CARELESS), "unix_socket_directories": str(self.folder)}
        chosen = [f"--{name}={value}" for name, value in {**options, **self.settings}.items()]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, *chosen],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **_as_who(),
            )  # fmt: skip
        self._await_questions()

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: ``fast`` in order, ``immediate`` as a crash would. Nothing happens when it does not run."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(STOPS[mode])
        process.wait(_STARTS_WITHIN_S)

    def new_database(self, like: str = "template1", name: str = "") -> str:
        """Make an empty database, or a copy of another one that nobody uses; its URL."""
        name = name or f"desk{next(self._numbers)}"
        self.command(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        return self.url(name)

    def copy_of(self, what: str, prepare: Callable[[str], object]) -> str:
        """A new database as ``prepare`` makes one from an empty one's URL; it is asked once for each ``what``."""
        if what not in self._templates:
            prepare(self.new_database(name=f"like_{what}"))
            self._templates[what] = f"like_{what}"
        return self.new_database(like=self._templates[what])

    def drop(self, url: str) -> None:
        """Drop a database and disconnect those who still use it."""
        name = url.partition("@/")[2].partition("?")[0]
        self.command(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def command(self, sql: str, database: str = "postgres") -> Sequence[Any]:
        """Say one statement to a database, as its superuser; the rows it gives."""
        with self._connect(database) as line:
            done = line.execute(sql.encode())
            return done.fetchall() if done.description else []

    def leave_room(self, most: int | None) -> None:
        """From now on no file of the server may have more bytes: for it, the disk is full. ``None`` is room enough.

        Raises PostgresError when util-linux's ``prlimit`` does not do it.
        """
        assert self.process is not None
        self._limit(self.process.pid, most)
        for (pid,) in self.command("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"):
            self._limit(pid, most)

    def said(self) -> str:
        """The server's log."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.folder), user=USER, dbname=database, autocommit=True, connect_timeout=10)

    def _await_questions(self) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while self.process is not None:
            with suppress(psycopg.OperationalError):
                if self._holds_the_cluster(self.process.pid):
                    self._connect("postgres").close()
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop("immediate")
                raise PostgresError(f"PostgreSQL did not start: {self.said()[-2000:]}")
            time.sleep(0.02)

    def _limit(self, pid: int, most: int | None) -> None:
        words = ["prlimit", f"--pid={pid}", f"--fsize={'unlimited' if most is None else most}:"]
        done = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False, **_as_who())
        if done.returncode and Path(f"/proc/{pid}").exists():
            raise PostgresError(f"no limit was set: {done.stderr.strip()}")

    def _holds_the_cluster(self, pid: int) -> bool:
        """Whether it is this process that would answer, and not one before it."""
        try:
            return (self.data / "postmaster.pid").read_text("ascii").startswith(f"{pid}\n")
        except FileNotFoundError:
            return False

    def _run(self, program: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.programs / program, *words],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, check=False, **_as_who(),
        )  # fmt: skip


@contextmanager
def a_postgres(
    folder: Path | None = None,
    *,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
    segment_mb: int = 16,
    find: Callable[[], Path | None] = find_programs,
) -> Iterator[PostgresServer]:
    """A running server that is stopped, and whose own folder is removed, at the end of the block.

    ``folder`` stays if it is given; it must be one that the user ``postgres`` may reach when root runs this, and may
    hold a cluster made before. ``durable`` keeps every promise of a commit through a loss of power. Raises
    PostgresError when the machine has no PostgreSQL.
    """
    programs = find()
    if programs is None:
        raise PostgresError(MISSING)
    own = folder or new_folder()
    try:
        server = PostgresServer(_given_away(own), _within_reach(programs, own), durable, settings or {}, segment_mb)
        if not server.data.exists():
            server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop("fast" if folder else "immediate")
    finally:
        if folder is None:
            shutil.rmtree(own, ignore_errors=True)


def new_folder(where: Path | None = None) -> Path:
    """A folder with a short name. Those of processes that were killed go first, and with them their servers.

    A server whose folder is gone notices within a minute and ends.
    """
    where = where or Path(tempfile.gettempdir())
    for left in where.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _lives(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=where))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _other() -> pwd.struct_passwd | None:
    """Who is to run the server; ``None`` for us."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    for name in OTHERS:
        if name in known:
            return known[name]
    raise PostgresError(f"PostgreSQL does not run as root, and there is no user {' or '.join(OTHERS)} to run it.")


def _as_who() -> dict[str, Any]:
    other = _other()
    return {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []} if other else {}


def _given_away(folder: Path) -> Path:
    """The folder, made, and in the hands of whoever runs the server."""
    folder.mkdir(parents=True, exist_ok=True)
    if other := _other():
        os.chown(folder, other.pw_uid, other.pw_gid)
    folder.chmod(0o700)
    return folder


def _within_reach(programs: Path, folder: Path) -> Path:
    """Programs that whoever runs the server may start: a packaged PostgreSQL below /root is copied beside its data."""
    try:
        subprocess.run([programs / "postgres", "--version"], cwd="/", capture_output=True, check=False, **_as_who())
    except PermissionError:
        copy = folder / "programs"
        if not copy.exists():
            shutil.copytree(PACKAGED, copy)
        return copy / programs.relative_to(PACKAGED)
    return programs
