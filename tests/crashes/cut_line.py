"""A way to PostgreSQL that a test cuts, just before a commit goes over it or just before its answer comes back."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.postgres.server import PostgresServer

SOCKET = ".s.PGSQL.5432"
BEFORE, AFTER = "before the commit", "after the commit, before its answer"


class CutLine:
    """Passes on whatever comes to a socket in a folder of its own; the next commits are cut as they are told to be."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.folder = folder
        self._to = str(server.folder / SOCKET)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen(64)
        self._lock = threading.Lock()
        self._plan: list[str] = []
        self._needle = b""
        self.cuts: list[str] = []
        """What was cut, in order."""
        self.refuses = False
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str) -> str:
        """The URL of a database over this way."""
        return f"{database.partition('?')[0]}?host={self.folder}"

    def cut(self, *moments: str, that_says: bytes) -> None:
        """Cut the next commits whose transaction has these bytes in it, one for each moment."""
        with self._lock:
            self._needle, self._plan = that_says, list(moments)

    def close(self) -> None:
        """Take nothing more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                client.close()
                continue
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
                server.connect(self._to)
                self._carry(client, server)
            except OSError:
                # One of the two hung up; the other one is told by the end of the block.
                return

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        talk = Talk()
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if server in ready:
                data = server.recv(1 << 16)
                if not data:
                    return
                client.sendall(data)
            if client in ready:
                data = client.recv(1 << 20)
                if not data:
                    return
                said = talk.hear(data)
                moment = self._moment(said) if said else ""
                if moment == BEFORE:
                    self.cuts.append(moment)
                    return
                server.sendall(data)
                if moment == AFTER:
                    swallow_answer(client, server)
                    self.cuts.append(moment)
                    return

    def _moment(self, said: bytes) -> str:
        with self._lock:
            return self._plan.pop(0) if self._plan and self._needle in said else ""


class Talk:
    """What a client says over one line, understood so far that its commits are noticed, prepared ones too."""

    def __init__(self) -> None:
        self._rest = b""
        self._began = False
        self._prepared: set[bytes] = set()
        self._said = bytearray()

    def hear(self, data: bytes) -> bytes:
        """All that a transaction said, when its commit is in these bytes; nothing else."""
        self._rest += data
        committed = b""
        while message := self._next():
            kind, body = message
            if kind in b"PBQ":
                self._said += body
            if self._ends(kind, body):
                committed = committed or bytes(self._said)
                self._said.clear()
        return committed

    def _next(self) -> tuple[bytes, bytes] | None:
        """The next whole message; the first one of a line has no kind."""
        start = 1 if self._began else 0
        if len(self._rest) < start + 4:
            return None
        end = start + int.from_bytes(self._rest[start : start + 4], "big")
        if len(self._rest) < end:
            return None
        kind, body = self._rest[:start] or b"!", self._rest[start + 4 : end]
        self._rest, self._began = self._rest[end:], True
        return kind, body

    def _ends(self, kind: bytes, body: bytes) -> bool:
        if kind == b"P":
            name, query, *_ = body.split(b"\0")
            (self._prepared.add if query == b"COMMIT" else self._prepared.discard)(name)
        if kind == b"B":
            return body.split(b"\0")[1] in self._prepared
        return kind == b"Q" and body.startswith(b"COMMIT")


def swallow_answer(client: socket.socket, server: socket.socket) -> None:
    """Return when the server has said that it committed; the client hears nothing of it."""
    heard = b""
    while b"COMMIT\0" not in heard:
        ready, _, _ = select.select([client, server], [], [])
        data = b""
        if server in ready:
            data = server.recv(1 << 16)
            heard += data
        elif client in ready:
            # It asks for the answer in a packet of its own.
            data = client.recv(1 << 20)
            server.sendall(data)
        if not data:
            return


@contextmanager
def a_cut_line(server: PostgresServer, folder: Path) -> Iterator[CutLine]:
    """A way to a server, in a folder with a short name."""
    os.makedirs(folder, exist_ok=True)
    line = CutLine(server, folder)
    try:
        yield line
    finally:
        line.close()
