"""A whole desk mails itself through its own doors, over real SMTP, and tells how long that took."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from bot.clock import MovedClock
from bot.config import load_config
from bot.wiring import House
from rules.effects import Post
from storage.memory import MemoryStore

CONFIG = """
desk: {{name: Acme, languages: [en], data_dir: ./data}}
storage: {{url: "tinydb:./data"}}
channels:
  mail:
    - name: support
      address: support@example.com
      smtp_in: {{listen: "127.0.0.1:{listen}"}}
      smtp_out: {{host: 127.0.0.1, port: {relay}, tls: false}}
  web: {{listen: "127.0.0.1:0"}}
staff:
  - {{name: Ana, email: ana@example.org, role: lead}}
probe: {{mailbox: support, every: 15m}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(folder: Path, *, relay: int, listen: int) -> AsyncIterator[House]:
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(relay=relay, listen=listen))
    house = House(load_config(path).signed(), MemoryStore(), MovedClock(datetime.now(UTC)))
    opened = asyncio.Event()
    task = asyncio.create_task(house.run(opened.set))
    try:
        await asyncio.wait_for(opened.wait(), 20)
        yield house
    finally:
        house.stop()
        await asyncio.wait_for(task, 20)


async def until(reached: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while not reached():
        assert asyncio.get_running_loop().time() < deadline, "waited too long"
        await asyncio.sleep(0.02)


async def health(house: House) -> tuple[int, dict[str, str]]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{house.listening['web']}/healthz") as answer:
        return answer.status, (await answer.json())["checks"]


def is_back(house: House) -> bool:
    with house.store.read() as store:
        return any(beat.back_at for beat in store.heartbeats())


def states(house: House) -> list[str]:
    with house.store.read() as store:
        return [owed.state for owed in store.outbox()]


async def test_a_probe_leaves_by_the_relay_and_comes_in_by_the_door(tmp_path: Path) -> None:
    """Here the desk is its own relay: out, in, and nothing of it is left but the time it took."""
    port = free_port()
    async with running(tmp_path, relay=port, listen=port) as house:
        await house.watch()
        await until(lambda: is_back(house) and states(house) == ["accepted"])
        status, checks = await health(house)
        with house.store.read() as store:
            assert store.counts().tickets == 0
    assert status == 200
    assert checks["probe support"].startswith("ok, ")


async def test_a_relay_that_is_gone_is_an_alarm_and_so_is_the_probe(tmp_path: Path) -> None:
    """Health says 503 for whoever watches from outside; staff read it in chat."""
    async with running(tmp_path, relay=free_port(), listen=0) as house:
        await house.watch()
        clock = house.clock
        assert isinstance(clock, MovedClock)
        # Rounds as they come while time passes; the machine did not sleep in between.
        for _ in range(9):
            await until(lambda: tried(house))
            clock.advance(timedelta(minutes=4))
            await house.watch()
        status, checks = await health(house)
        with house.store.read() as store:
            told = [owed.content.text for owed in store.outbox(ticket=0) if isinstance(owed.content, Post)]
    assert status == 503
    assert {"alarm relay:support", "alarm probe:support"} <= set(checks)
    assert any("cannot reach the relay" in text for text in told)


def tried(house: House) -> bool:
    with house.store.read() as store:
        return any("first_try_at" in owed.meta for owed in store.outbox() if owed.channel == "mail:support")
