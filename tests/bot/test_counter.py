"""The desk's socket: every request gets an answer that ends with an exit code, whatever is asked and whatever fails."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.counter import SOCKET, Counter
from bot.office import Line, Request
from rules.errors import StoreUnavailableError


class Clerk:
    """An office that says one line, and fails where it is asked to."""

    def answer(self, request: Request) -> Iterator[Line]:
        yield {"said": request.args.get("say", "hello")}
        if request.name == "fail":
            raise StoreUnavailableError("the disk is gone")
        yield {"exit": 0}


async def asked(folder: Path, given: bytes) -> list[Line]:
    """What the desk answers to these bytes on its socket."""

    def talk() -> bytes:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(folder / SOCKET))
            line.sendall(given)
            line.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: line.recv(65536), b""))

    with ThreadPoolExecutor(4) as executor:
        counter = Counter(folder, Clerk(), executor)  # type: ignore[arg-type] # all that is asked of an office
        await counter.start()
        assert stat.S_IMODE(os.stat(folder / SOCKET).st_mode) == 0o600
        answer = await asyncio.get_running_loop().run_in_executor(executor, talk)
        await counter.stop()
    return [json.loads(line) for line in answer.splitlines()]


JUNK = [
    b"",
    b"\n",
    b"\xff\xfe\n",
    b"[]\n",
    b'"x"\n',
    b'{"name": 1, "args": {}}\n',
    b'{"name": "x"}\n',
    b"[" * 200_000 + b"\n",
]


@pytest.mark.parametrize("given", JUNK, ids=range(len(JUNK)))
async def test_junk_is_answered_with_a_sentence_and_a_code(tmp_path: Path, given: bytes) -> None:
    """Nobody waits for an answer that never ends."""
    assert (await asked(tmp_path, given))[-1] == {"exit": 1}


async def test_a_failure_in_the_middle_is_no_success(tmp_path: Path) -> None:
    """A command whose answer broke off must not exit with 0."""
    lines = await asked(tmp_path, b'{"name": "fail", "args": {}}\n')
    assert lines[0] == {"said": "hello"}
    assert "StoreUnavailableError" in str(lines[1]["finding"])
    assert lines[-1] == {"exit": 1}


async def test_a_lone_surrogate_is_carried(tmp_path: Path) -> None:
    """JSON has an escape for what UTF-8 has not."""
    lines = await asked(tmp_path, rb'{"name": "x", "args": {"say": "a \ud800 b"}}' + b"\n")
    assert lines == [{"said": "a \ud800 b"}, {"exit": 0}]
