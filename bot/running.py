"""Runs a desk in this process: opens the store, wires the house, obeys signals, ends cleanly."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from datetime import datetime

import structlog

import rules
from bot.clock import Clock, SystemClock
from bot.config import Config, load_config
from bot.logs import set_up_logs
from bot.stores import open_store
from bot.waiting import once_there
from bot.wiring import House
from rules.errors import ConfigError, DeskbellError, StoreError
from storage.protocol import Store

log = structlog.get_logger()

GARBAGE = 10_000, 10, 10
"""How seldom garbage is looked for: a mail makes thousands of things that go by themselves, and little garbage."""


def run_desk(config: Config) -> int:
    """Run until SIGTERM or SIGINT; the exit code. Raises ConfigError or StoreError when it cannot start."""
    check_packages()
    set_up_logs(config.settings.log.level, config.settings.log.format)
    # Loading makes only what stays; the collector would walk through all of it again and again for nothing.
    gc.disable()
    store = once_there(open_store, config.settings.storage_url)
    for sentence in store.recovery:
        log.warning("recovered", what=sentence)
    try:
        signed = config.signed(store)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(_serve(signed, store, SystemClock(written_until(store))))
    finally:
        gc.enable()
        store.close()


def written_until(store: Store) -> datetime | None:
    """The latest moment at which a ticket was changed, by the desk's time then; ``None`` before the first one."""
    with store.read() as reader:
        latest = reader.latest(1)
    return latest[0].updated_at if latest else None


def new_loop() -> asyncio.AbstractEventLoop:
    """The event loop of uvloop where it exists, which takes mail for less; else Python's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def check_packages() -> None:
    """Raises ConfigError when ``rules`` is a published package of that name instead of ours."""
    if not hasattr(rules, "__path__") or "deskbell" not in (rules.__doc__ or "").lower():
        raise ConfigError(
            [f"another package called `rules` ({rules.__file__}) hides ours; run Deskbell in its own environment"]
        )


async def _serve(config: Config, store: Store, clock: Clock) -> int:
    house = House(config, store, clock)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, house.stop)
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(_reload(house))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        await house.run(opened=lambda: _settle_in(house))
    except StoreError as error:
        log.error("store failed", problem=str(error))
        return 1
    except DeskbellError as error:
        log.error("could not start", problem=str(error))
        return 1
    log.info("stopped")
    return 1 if house.failed else 0


def _settle_in(house: House) -> None:
    """What is loaded by now stays: a full collection of garbage among 100,000 tickets would stop the desk for 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()
    _greet(house)


def _greet(house: House) -> None:
    """What a person at the terminal needs first; the link is a secret, so it goes to no log."""
    if sys.stdout.isatty() or not house.slack:
        print(f"Console: {house.web.link}", flush=True)  # noqa: T201 - for the person who started it


async def _reload(house: House) -> None:
    """Take a new configuration; a bad one is refused and the old one stays (R-OP-1)."""
    try:
        await house.reload(await asyncio.to_thread(load_config, house.config.path))
    except ConfigError as error:
        log.error("configuration refused, the old one stays", problems=list(error.problems))
    except DeskbellError as error:
        log.error("reload failed", problem=str(error))
