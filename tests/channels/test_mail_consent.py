"""How a person lets the desk into a mailbox: a code on another device, or an address pasted back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from channels.mail.consent import REDIRECT, Invitation, by_address, by_device
from channels.mail.oauth import AccessTokens, Kept, OAuthAccount, keep
from rules.errors import OAuthError
from tests.channels.oauth_servers import provider

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def now() -> datetime:
    return NOW


class Person:
    """Somebody at the terminal, and how long they were waited for."""

    def __init__(self) -> None:
        self.invited: list[Invitation] = []
        self.waited: list[float] = []

    async def device(self, account: OAuthAccount) -> Kept:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, by_device, account, now, self.invited.append, self.waited.append)


async def test_a_code_typed_on_another_device_lets_the_desk_in(tmp_path: Path) -> None:
    """Asked as often as the provider wants, and more slowly when it says so (RFC 8628)."""
    person = Person()
    async with provider(pending=["authorization_pending", "slow_down", "authorization_pending"]) as made:
        account = made.account(tmp_path, refresh_token="")
        kept = await person.device(account)
        keep(account, kept)
        assert person.invited == [Invitation("https://provider.test/device", "ABCD-EFGH")]
        assert person.waited == [5, 5, 10, 10]
        assert made.asked[0]["scope"] == "mail"
        assert made.asked[-1]["device_code"] == "device-1"
        tokens = AccessTokens(account, now)
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, tokens.access) == "access-2"


async def test_a_provider_that_stumbles_while_we_wait_is_asked_again(tmp_path: Path) -> None:
    """A person who has typed the code must not do it again for that."""
    async with provider(fault="503", faults=2) as made:
        assert (await Person().device(made.account(tmp_path))).refresh_token == "refresh-1"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("access_denied", "said no"),
        ("expired_token", "in time"),
        ("invalid_client", "client_secret"),
    ],
)
async def test_a_refusal_ends_the_waiting_in_words(tmp_path: Path, answer: str, told: str) -> None:
    async with provider(pending=["authorization_pending", answer]) as made:
        with pytest.raises(OAuthError, match=told):
            await Person().device(made.account(tmp_path))


async def test_a_code_that_nobody_types_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """As long as the provider said, and no longer."""
    person = Person()
    async with provider(pending=["authorization_pending"] * 1000) as made:
        with pytest.raises(OAuthError, match="nobody typed the code in time"):
            await person.device(made.account(tmp_path))
    assert sum(person.waited) == 900


async def test_a_client_that_may_not_use_device_codes_is_told_so(tmp_path: Path) -> None:
    """Nobody is invited to anything."""
    person = Person()
    async with provider(error="unauthorized_client") as made:
        with pytest.raises(OAuthError, match="client_id"):
            await person.device(made.account(tmp_path))
    assert person.invited == []


async def pasted(account: OAuthAccount, paste: Callable[[str], str]) -> Kept:
    return await asyncio.get_running_loop().run_in_executor(None, by_address, account, now, paste)


async def test_the_address_that_the_browser_ends_at_lets_the_desk_in(tmp_path: Path) -> None:
    """With PKCE: the code alone is worth nothing to whoever sees it."""
    shown: dict[str, list[str]] = {}

    def agree(url: str) -> str:
        shown.update(parse_qs(urlsplit(url).query))
        assert url.startswith("https://provider.test/consent?")
        return f" {REDIRECT}?state={shown['state'][0]}&code=4%2Fabc&scope=mail\n"

    async with provider() as made:
        kept = await pasted(made.account(tmp_path), agree)
    assert kept.refresh_token == "refresh-1"
    (asked,) = made.asked
    assert (asked["grant_type"], asked["code"], asked["redirect_uri"]) == ("authorization_code", "4/abc", REDIRECT)
    assert shown["code_challenge_method"] == ["S256"]
    assert asked["code_verifier"] not in str(shown)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("", "not the address"),
        (f"{REDIRECT}?code=x&state=somebody-else", "not the address"),
        (f"{REDIRECT}?error=access_denied", "access_denied"),
    ],
)
async def test_another_address_is_not_taken(tmp_path: Path, address: str, told: str) -> None:
    """One with a foreign state may be somebody's attempt to let us into their mailbox."""
    async with provider() as made:
        with pytest.raises(OAuthError, match=told):
            await pasted(made.account(tmp_path), lambda url: address)
    assert made.asked == []
