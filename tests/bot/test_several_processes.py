"""Several processes share one desk: any takes mail, one does what there is one of, and none is missed when it goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.wiring import House
from rules.effects import OutboxState
from rules.errors import StoreAwayError
from storage.protocol import LEASE_S
from tests.bot.houses import desks, until


async def test_a_mail_to_any_process_is_acknowledged_once(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one, two = await desk.start(), await desk.start()
        assert [await one.mail("The printer burns"), await two.mail("The cellar is wet")] == ["250", "250"]
        await until(lambda: len(desk.mails()) == 2, "two acknowledgements")
        assert await two.mail("The printer burns") == "250"
        await until(lambda: set(desk.states()) == {OutboxState.ACCEPTED}, "everything to be sent")
        assert len(desk.mails()) == 2


async def test_the_first_process_has_the_roles_and_leaves_them_when_it_stops(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one, two = await desk.start(), await desk.start()
        assert (one.roles, two.roles) == (["digests", "rounds"], [])
        assert (await two.health())[1]["roles"] == "ok: none"
        await one.stop()
        await until(lambda: two.roles == ["digests", "rounds"], "the roles to pass on", within_s=5)
        assert (await two.health())[1]["roles"] == "ok: digests, rounds"


async def test_processes_listen_at_the_same_addresses(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one = await desk.start()
        host, port = one.place("smtp")
        web_host, web_port = one.place("web")
        box = {**desk.config["channels"]["mail"][0], "smtp_in": {"listen": f"{host}:{port}"}}
        two = await desk.start(channels={"mail": [box], "web": {"listen": f"{web_host}:{web_port}"}})
        assert two.house.listening == one.house.listening
        await one.stop()
        assert await two.mail("The printer burns") == "250"
        assert (await two.get("/healthz"))[0] == 200


async def test_a_link_and_a_console_token_of_one_process_are_good_at_the_other(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one = await desk.start()
        two = await desk.start()
        assert one.house.config.policy.secret == two.house.config.policy.secret
        token = one.house.web.link.partition("token=")[2]
        assert (await two.get(f"/?token={token}"))[0] == 200
        assert (await two.get("/?token=another"))[0] != 200


async def test_a_secret_of_the_time_before_is_everybodys_from_then_on(tmp_path: Path) -> None:
    data = tmp_path / "process-1" / "data"
    async with desks(tmp_path) as desk:
        data.parent.mkdir()
        data.mkdir()
        (data / "secret.key").write_text("as it always was\n")
        data.parent.rename(tmp_path / "aside")
        (tmp_path / "aside" / "data").rename(tmp_path / "data")
        shared = {**desk.config["desk"], "data_dir": str(tmp_path / "data")}
        one = await desk.start(desk=shared)
        two = await desk.start()
        assert one.house.config.policy.secret == two.house.config.policy.secret == b"as it always was"


async def test_what_a_killed_process_was_sending_is_looked_after_by_another(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one, two = await desk.start(), await desk.start()
        await one.mail("The printer burns")
        await until(lambda: set(desk.states()) == {OutboxState.ACCEPTED}, "everything to be sent")
        with desk.database.core.begin() as work:
            entry = next(entry for entry in work.outbox() if entry.channel.startswith("mail:"))
            work.settle(replace(entry, state=OutboxState.SENDING))
            work.commit()
        one.store.lease(entry.key)
        await one.kill()
        desk.clock.advance(timedelta(seconds=LEASE_S + 1))
        # A Maildir can be asked what became of it.
        await until(lambda: set(desk.states()) == {OutboxState.ACCEPTED}, "the orphan to be found", within_s=30)
        assert two.roles == ["digests", "rounds"]
        assert len(desk.mails()) == 1


async def test_the_database_goes_away_and_comes_back(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one = await desk.start()
        assert await one.mail("Before") == "250"
        await until(lambda: len(desk.mails()) == 1, "an acknowledgement")

        desk.database.away = True
        assert (await one.mail("Meanwhile")).startswith("451")
        await until(lambda: one.house.contact.told, "the desk to notice")
        status, checks = await one.health()
        assert status == 503
        assert checks["store"].startswith("away since")
        await until(lambda: not one.roles, "the roles to be nobody's", within_s=5)
        token = one.house.web.link.partition("token=")[2]
        assert not one.task.done()

        desk.database.away = False
        await until(lambda: not one.house.contact.told, "the database to be back")
        assert await one.mail("Meanwhile") == "250"
        await until(lambda: len(desk.mails()) == 2, "another acknowledgement")
        assert (await one.health())[0] == 200
        assert (await one.get(f"/?token={token}"))[0] == 200


async def test_what_was_sent_while_the_database_went_away_is_not_sent_again(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one = await desk.start()
        two = await desk.start()
        one.store.cuts_claims = two.store.cuts_claims = False
        for number in range(5):
            one.store.cut = two.store.cut = "after"
            await one.mail(f"Number {number}")
            # The sender heard 451 and comes again, as senders do.
            await one.mail(f"Number {number}")
        await until(lambda: len(desk.mails()) == 5, "five acknowledgements", within_s=30)
        await until(lambda: set(desk.states()) == {OutboxState.ACCEPTED}, "everything to be settled", within_s=30)
        assert len(desk.mails()) == 5


async def test_a_process_that_stops_while_the_database_is_away_ends_all_the_same(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one = await desk.start()
        desk.database.away = True
        await one.stop()
        assert not one.house.failed


async def test_a_digest_of_the_desk_is_told_once(tmp_path: Path) -> None:
    digests = {"digests": [{"period": "day", "at": "09:00", "to": ["tom"]}]}
    async with desks(tmp_path, **digests) as desk:
        await desk.start()
        await desk.start()
        desk.clock.advance(timedelta(days=1))

        def told() -> list[str]:
            with desk.database.core.read() as reader:
                return [entry.key for entry in reader.outbox() if entry.key.startswith("digest:")]

        await until(told, "the digest of yesterday")
        keys = told()
        assert len(keys) == len(set(keys))
        await until(lambda: len(desk.mails("tom@example.com")) == 1, "the manager's digest")


async def test_a_start_that_fails_ends_with_what_was_wrong(tmp_path: Path) -> None:
    """The database went away between the opening of the store and the first commit."""
    async with desks(tmp_path) as desk:
        one = await desk.start()
        store = desk.database.process()
        house = House(one.house.config, store, desk.clock)
        desk.database.away = True
        with pytest.raises(StoreAwayError):
            await house.run()


async def test_a_page_open_at_one_process_follows_what_another_commits(tmp_path: Path) -> None:
    async with desks(tmp_path) as desk:
        one, two = await desk.start(), await desk.start()
        base = two.house.web.url
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            async with browser.get(two.house.web.link) as page:
                assert page.status == 200
            async with browser.get(f"{base}api/events") as events:
                assert events.status == 200
                await one.mail("The printer burns")
                async with asyncio.timeout(10):
                    while b'"ticket": 1' not in await events.content.readline():
                        continue
