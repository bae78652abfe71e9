"""Where commands meet a running desk: a Unix socket in the data folder, for its owner only (contract.md).

One JSON line asks; JSON lines answer, the last one ``{"exit": code}``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from bot.office import PROBLEM, Line, Office, Request

log = structlog.get_logger()

SOCKET = "desk.sock"
_LONGEST_REQUEST = 64 * 1024 * 1024
_PATIENCE_S = 10.0


class Counter:
    """Serves requests from commands while the desk runs."""

    def __init__(self, folder: Path, office: Office, executor: Executor) -> None:
        self._folder = folder
        self._office = office
        self._executor = executor
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer. The folder's owner is known by the store's lock, so a socket left behind is stale."""
        with _short(self._folder) as path:
            with suppress(FileNotFoundError):
                os.unlink(path)
            before = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(self._serve, path, limit=_LONGEST_REQUEST)
            finally:
                os.umask(before)

    async def stop(self) -> None:
        """Answer nothing more; what is being answered is finished."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()
        with suppress(FileNotFoundError):
            (self._folder / SOCKET).unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                line = await reader.readline()
            await self._answer(_request(line), writer)
        except ConnectionError:
            log.warning("command went away")
        except (ValueError, RecursionError, TimeoutError) as problem:
            log.warning("command not understood", problem=str(problem))
            self._give_up(writer, "The desk did not understand the request.")
        except Exception as problem:
            log.exception("command failed")
            self._give_up(writer, f"The desk could not answer ({type(problem).__name__}); the reason is in its log.")
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        lines = self._office.answer(request)
        while line := await loop.run_in_executor(self._executor, next, lines, None):
            writer.write(_encoded(line))
            await writer.drain()

    @staticmethod
    def _give_up(writer: asyncio.StreamWriter, words: str) -> None:
        writer.write(_encoded({"finding": words}) + _encoded({"exit": PROBLEM}))


def _request(line: bytes) -> Request:
    """The request in a line. Raises ValueError or RecursionError when it is none."""
    asked = json.loads(line)
    if not isinstance(asked, dict) or not isinstance(asked.get("name"), str) or not isinstance(asked.get("args"), dict):
        raise ValueError("a request has a name and args")
    return Request(name=asked["name"], args=asked["args"])


def _encoded(line: Line) -> bytes:
    # What UTF-8 cannot carry, a lone surrogate, becomes the escape that JSON has for it.
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def ask(folder: Path, request: Request) -> Iterator[Line] | None:
    """The answer of the desk that runs on this folder, line by line; ``None`` when none runs."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(folder) as path:
            connection.connect(path)
    except OSError:
        connection.close()
        return None
    return _lines(connection, request)


def _lines(connection: socket.socket, request: Request) -> Iterator[Line]:
    with connection, connection.makefile("rwb") as stream:
        stream.write(json.dumps({"name": request.name, "args": dict(request.args)}).encode() + b"\n")
        stream.flush()
        for line in stream:
            answer: dict[str, Any] = json.loads(line)
            yield answer


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """The socket's path by way of an open folder: a socket's own path may have no more than 107 bytes."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        through = Path(f"/proc/self/fd/{descriptor}")
        yield str((through if through.exists() else folder) / SOCKET)
    finally:
        os.close(descriptor)
