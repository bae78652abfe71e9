"""Logging in by OAuth2: tokens are renewed in time, kept safely, and what goes wrong is said with what to do."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.mail.oauth import EARLY, AccessTokens, read_kept
from rules.errors import OAuthError
from tests.channels.oauth_servers import Provider, provider
from tests.stage import HandClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def access(tokens: AccessTokens, refused: str = "") -> str:
    return await asyncio.get_running_loop().run_in_executor(None, tokens.access, refused)


async def refusal(tokens: AccessTokens) -> OAuthError:
    with pytest.raises(OAuthError) as raised:
        await access(tokens)
    return raised.value


def tokens_of(made: Provider, folder: Path, clock: HandClock | None = None, **changes: Any) -> AccessTokens:
    return AccessTokens(made.account(folder, **changes), (clock or HandClock(NOW)).now)


async def test_a_token_is_used_until_shortly_before_it_ends(tmp_path: Path) -> None:
    """One request an hour, whatever is sent and fetched."""
    clock = HandClock(NOW)
    async with provider() as made:
        tokens = tokens_of(made, tmp_path, clock)
        assert [await access(tokens), await access(tokens)] == ["access-1", "access-1"]
        clock.at += timedelta(hours=1) - EARLY
        assert await access(tokens) == "access-2"
    assert made.asked[0] == {
        "grant_type": "refresh_token", "refresh_token": "first", "client_id": "desk", "client_secret": "hush",
        "scope": "mail",
    }  # fmt: skip
    assert len(made.asked) == 2


async def test_a_token_that_a_server_refused_is_renewed_and_only_once_for_all_lines(tmp_path: Path) -> None:
    """Three lines that are refused at the same time must not renew three times."""
    async with provider() as made:
        tokens = tokens_of(made, tmp_path)
        first = await access(tokens)
        assert {await access(tokens, first) for _ in range(3)} == {"access-2"}


async def test_a_refresh_token_that_is_replaced_is_kept_for_us_alone(tmp_path: Path) -> None:
    """The old one is worth nothing any more; another process finds the new one."""
    clock = HandClock(NOW)
    async with provider(rotates=True) as made:
        tokens = tokens_of(made, tmp_path, clock)
        for _ in range(3):
            await access(tokens)
            clock.at += timedelta(hours=1)
        other = tokens_of(made, tmp_path)
        assert await access(other) == "access-4"
        assert await access(tokens) == "access-5", "what the other process kept is known"
    kept = tmp_path / "oauth" / "support.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o077 == 0
    assert json.loads(kept.read_text())["refresh_token"] == "refresh-5"


async def test_a_new_refresh_token_in_the_configuration_counts_more_than_the_kept_one(tmp_path: Path) -> None:
    """Whoever puts one there after a revocation expects it to be used."""
    async with provider(rotates=True) as made:
        await access(tokens_of(made, tmp_path))
        made.refresh = "fresh from the provider"
        assert await access(tokens_of(made, tmp_path, refresh_token=made.refresh)) == "access-2"


async def test_a_damaged_file_falls_back_to_the_configuration(tmp_path: Path) -> None:
    """A desk that starts after somebody edited it by hand still tries what it was given."""
    async with provider() as made:
        kept = tmp_path / "oauth" / "support.json"
        kept.parent.mkdir()
        for junk in ("", "[]", '{"refresh_token": 1}', '{"refresh_token": "x", "origin": "y", "ends_at": "soon"}'):
            kept.write_text(junk)
            assert await access(tokens_of(made, tmp_path)) == f"access-{made.made}"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("invalid_grant", "deskbell oauth login support"),
        ("interaction_required", "deskbell oauth login support"),
        ("invalid_client", "client_secret"),
        ("unauthorized_client", "client_id"),
        ("invalid_scope", "oauth.scope"),
        ("unsupported_grant_type", "oauth.token_url"),
    ],
)
async def test_what_a_person_must_mend_is_said_and_stands_as_a_problem(tmp_path: Path, error: str, advice: str) -> None:
    """With the provider's own words on one line; the secrets are in none of it."""
    async with provider(error=error) as made:
        tokens = tokens_of(made, tmp_path)
        problem = await refusal(tokens)
    assert (problem.refused, problem.code) == (True, error)
    assert advice in str(problem)
    assert f"AADSTS0: because of {error}" in str(problem)
    assert tokens.problem == str(problem)
    assert not {"hush", "first"} & set(str(problem).replace("'", " ").split())


@pytest.mark.parametrize("fault", ["500", "503", "429", "html", "nothing", "404"])
async def test_a_provider_that_is_down_is_asked_again_later(tmp_path: Path, fault: str) -> None:
    """It is no alarm about the login; what we have is good until it ends."""
    clock = HandClock(NOW)
    async with provider(fault=fault, faults=1) as made:
        tokens = tokens_of(made, tmp_path, clock)
        problem = await refusal(tokens)
        assert (problem.refused, tokens.problem) == (False, "")
        assert str(await refusal(tokens)) == str(problem), "not asked again within the same breath"
        assert len(made.asked) == 1
        clock.at += timedelta(seconds=31)
        assert await access(tokens) == "access-1"


async def test_a_provider_that_hangs_holds_nobody_up_for_long(tmp_path: Path) -> None:
    """And one that nobody answers for is named."""
    async with provider(fault="slow") as made:
        problem = await asyncio.wait_for(refusal(tokens_of(made, tmp_path, timeout=0.2)), 10)
        assert "127.0.0.1" in str(problem)
    gone = await refusal(tokens_of(made, tmp_path))
    assert "127.0.0.1" in str(gone)
    assert not gone.refused


async def test_after_signing_in_again_the_running_desk_goes_on_by_itself(tmp_path: Path) -> None:
    """No restart, and no waiting for the pause after a refusal."""
    async with provider() as made:
        account = made.account(tmp_path)
        made.refresh = "revoked meanwhile"
        tokens = AccessTokens(account, HandClock(NOW).now)
        assert (await refusal(tokens)).refused
        account.kept.write_text(
            json.dumps({"refresh_token": made.refresh, "origin": read_kept(account).origin, "ends_at": ""})
        )
        assert await access(tokens) == "access-1"
    assert tokens.problem == ""


async def test_without_a_refresh_token_somebody_must_sign_in_first(tmp_path: Path) -> None:
    """Nothing is asked of the provider."""
    async with provider() as made:
        problem = await refusal(tokens_of(made, tmp_path, refresh_token=""))
    assert "deskbell oauth login support" in str(problem)
    assert made.asked == []


async def test_when_the_login_ends_is_known_where_the_provider_says_so(tmp_path: Path) -> None:
    """For the forecast; it is still known after a restart."""
    async with provider(rotates=True, refresh_life="604800") as made:
        await access(tokens_of(made, tmp_path))
        made.rotates, made.refresh_life = False, None
        later = tokens_of(made, tmp_path)
        await access(later)
    assert later.ends_at == NOW + timedelta(days=7)


@pytest.mark.parametrize("life", ["3600", None, "soon", -5, 10**30])
async def test_odd_lengths_of_life_do_not_break_anything(tmp_path: Path, life: object) -> None:
    """Some providers write numbers as text, some not at all; then an hour is assumed."""
    clock = HandClock(NOW)
    async with provider(life=life) as made:
        tokens = tokens_of(made, tmp_path, clock)
        await access(tokens)
        clock.at += timedelta(minutes=54)
        assert await access(tokens) == "access-1"
