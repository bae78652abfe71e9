"""Mails that come together share a thread and a wait for the disk, and each still gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

from channels.mail.batches import AT_ONCE, SMALL, Batches
from rules.errors import StoreUnavailableError


async def test_a_mail_that_breaks_reading_harms_none_that_came_with_it() -> None:
    def receive(mail: str) -> str:
        if mail == "broken":
            raise KeyError(mail)
        return f"took {mail}"

    with ThreadPoolExecutor(2) as executor:
        batches = Batches(receive, executor, nullcontext)
        mails = ["1", "2", "3", "broken", "5", "6"]
        said = await asyncio.gather(*(batches.take(mail, 100) for mail in mails), return_exceptions=True)

    assert [str(word) for word in said] == ["took 1", "took 2", "took 3", "'broken'", "took 5", "took 6"]
    assert isinstance(said[3], KeyError)


async def test_no_mail_is_answered_before_the_shared_wait_is_over() -> None:
    ended = threading.Event()

    @contextmanager
    def together() -> Iterator[None]:
        yield
        ended.wait(10)

    with ThreadPoolExecutor(AT_ONCE) as executor:
        batches: Batches[str] = Batches(lambda mail: f"took {mail}", executor, together)
        taken = [batches.take(str(number), 100) for number in range(5)]
        done, _ = await asyncio.wait(taken, timeout=0.05)
        assert not done
        ended.set()
        assert await asyncio.gather(*taken) == [f"took {number}" for number in range(5)]


async def test_when_the_disk_refuses_at_the_end_every_mail_of_the_batch_is_refused() -> None:
    @contextmanager
    def together() -> Iterator[None]:
        yield
        raise StoreUnavailableError("the disk is full")

    with ThreadPoolExecutor(AT_ONCE) as executor:
        batches: Batches[str] = Batches(lambda mail: f"took {mail}", executor, together)
        said = await asyncio.gather(*(batches.take(str(n), 100) for n in range(4)), return_exceptions=True)

    assert {type(word) for word in said} == {StoreUnavailableError}


async def test_all_that_came_while_others_were_worked_on_goes_together() -> None:
    waits: list[list[str]] = []
    begun, go_on = threading.Event(), threading.Event()

    @contextmanager
    def together() -> Iterator[None]:
        taken: list[str] = []
        local.taken = taken
        yield
        waits.append(taken)

    def receive(mail: str) -> str:
        local.taken.append(mail)
        begun.set()
        assert go_on.wait(10)
        return mail

    local = threading.local()
    with ThreadPoolExecutor(AT_ONCE) as executor:
        batches: Batches[str] = Batches(receive, executor, together)
        first = batches.take("1", 100)
        assert await asyncio.to_thread(begun.wait, 10)
        later = [batches.take(str(number), 100) for number in range(2, 12)]
        go_on.set()
        assert await asyncio.gather(first, *later) == [str(number) for number in range(1, 12)]

    assert sorted(map(len, waits)) == [1, 10]


async def test_when_no_batch_can_begin_nobody_waits_for_ever() -> None:
    @contextmanager
    def together() -> Iterator[None]:
        raise StoreUnavailableError("the store is closed")
        yield

    with ThreadPoolExecutor(AT_ONCE) as executor:
        batches: Batches[str] = Batches(lambda mail: mail, executor, together)
        async with asyncio.timeout(10):
            said = await asyncio.gather(*(batches.take(str(n), 100) for n in range(4)), return_exceptions=True)

    assert {type(word) for word in said} == {StoreUnavailableError}


async def test_a_large_mail_keeps_no_small_one_waiting() -> None:
    reading = threading.Event()

    def receive(mail: str) -> str:
        if mail == "large":
            reading.wait(10)
        return mail

    with ThreadPoolExecutor(AT_ONCE + 2) as executor:
        batches = Batches(receive, executor, nullcontext)
        large = [batches.take("large", SMALL + 1) for _ in range(2)]
        async with asyncio.timeout(5):
            assert await batches.take("small", 100) == "small"
        assert not any(one.done() for one in large)
        reading.set()
        assert await asyncio.gather(*large) == ["large", "large"]


async def test_all_mails_of_a_batch_are_made_ready_before_the_first_is_received() -> None:
    heard: list[str] = []

    def prepare(mails: Sequence[str]) -> None:
        heard.append(f"ready: {' '.join(mails)}")

    def receive(mail: str) -> str:
        heard.append(mail)
        return mail

    with ThreadPoolExecutor(AT_ONCE) as executor:
        batches: Batches[str] = Batches(receive, executor, nullcontext, prepare)
        await asyncio.gather(*(batches.take(str(number), 100) for number in range(3)))

    assert heard[0].startswith("ready: 0")
    assert sorted(word for word in heard if "ready" not in word) == ["0", "1", "2"]
    assert sum(word.count(number) for word in heard if "ready" in word for number in "012") == 3
