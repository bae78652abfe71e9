"""A request that is not Slack's, is old, or was sent before, is refused and said in the log, without any secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from channels.slack.signature import WINDOW_S, Signatures
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, settled, told
from tests.loopback_slack import LoopbackSlack, Manifest
from tests.loopback_slack.http_delivery import signature

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
SECRET, BODY = "shush", b'{"type":"event_callback"}'


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(1.05, 1.05, 1.05)) as running:
        yield running


def signed(at: float, secret: str = SECRET, body: bytes = BODY) -> dict[str, str]:
    """The headers of a request that is signed at a moment."""
    moment = str(int(at))
    return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": signature(secret, moment, body)}


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        (signed(1000), ""),
        (signed(1000 - WINDOW_S), ""),
        (signed(1000 + WINDOW_S), ""),
        (signed(1000 - WINDOW_S - 1), "away from now"),
        (signed(1000 + WINDOW_S + 1), "away from now"),
        (signed(1000, secret="another"), "signature is wrong"),
        (signed(1000, body=b"other"), "signature is wrong"),
        ({**signed(1000), "X-Slack-Signature": "v0=é"}, "signature is wrong"),
        ({**signed(1000), "X-Slack-Request-Timestamp": "soon"}, "no number"),
        ({**signed(1000), "X-Slack-Request-Timestamp": "9" * 5000}, "no number"),
        ({}, "not signed"),
    ],
)
def test_only_what_slack_signed_within_five_minutes_is_good(headers: dict[str, str], problem: str) -> None:
    told = Signatures(SECRET, clock=lambda: 1000.0).problem(headers, BODY)
    assert problem in told
    assert bool(problem) == bool(told)
    assert SECRET not in told


def test_a_request_that_was_confirmed_is_never_good_again_and_a_failed_one_is() -> None:
    now = [1000.0]
    signatures = Signatures(SECRET, clock=lambda: now[0])
    assert signatures.problem(signed(1000), BODY) == ""
    assert signatures.problem(signed(1000), BODY) == ""
    signatures.confirm(signed(1000))
    now[0] += WINDOW_S - 1
    assert "confirmed before" in signatures.problem(signed(1000), BODY)
    assert signatures.problem(signed(1001), BODY) == ""


async def _sent(slack: LoopbackSlack, desk: FakeDesk, requests: Iterable[Mapping[str, str]]) -> list[int]:
    """The same body sent under each of these headers; gives what the desk answered."""
    answers = []
    async with a_channel(slack, desk, mode="http") as channel, aiohttp.ClientSession() as session:
        for headers in requests:
            url = f"http://{channel.listening}/slack/events"
            sent = {**headers, "content-type": "application/json"}
            async with session.post(url, data=BODY, headers=sent) as answer:
                answers.append(answer.status)
    return answers


async def test_refusals_are_said_once_each_in_the_log(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    now = time.time()
    good = signed(now, slack.signing_secret)
    with capture_logs() as logs:
        answers = await _sent(
            slack, desk, (signed(now, "wrong"), signed(now - 3600, slack.signing_secret), {}, good, good)
        )
    assert answers[:3] == [401, 401, 401]
    # Bolt knows nothing to do with an empty event, so it was not confirmed and may come again.
    assert answers[3] == answers[4] != 401
    lines = [str(line) for line in logs if line["event"] == "slack_request_refused"]
    assert len(lines) == 3
    assert all("127.0.0.1" in line for line in lines)
    assert not any(slack.signing_secret in line or good["X-Slack-Signature"] in line for line in lines)


async def test_a_recorded_request_is_refused_and_slacks_own_second_try_is_not(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, mode="http") as channel:
        await asyncio.to_thread(slack.do, "deliver_to", url=f"http://{channel.listening}/slack/events")
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: settled(slack))
        desk.disk_full = 1
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: desk.obeyed and settled(slack))
        assert told(desk) == [("say", "on its way")]
        body = b'{"type":"url_verification","challenge":"x"}'
        headers = {**signed(time.time(), slack.signing_secret, body), "content-type": "application/json"}
        async with aiohttp.ClientSession() as session:
            statuses = []
            for _ in range(2):
                async with session.post(
                    f"http://{channel.listening}/slack/events", data=body, headers=headers
                ) as answer:
                    statuses.append(answer.status)
        assert statuses == [200, 401]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("json", b"{"),
        ("json", b"[]"),
        ("json", b""),
        ("json", b"\xff"),
        ("json", b"[" * 100_000),
        ("x-www-form-urlencoded", b"payload=%7B"),
    ],
)
async def test_what_is_signed_and_no_request_of_slacks_is_refused_and_not_asked_for_again(
    slack: LoopbackSlack, kind: str, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    async with a_channel(slack, FakeDesk(), mode="http") as channel, aiohttp.ClientSession() as session:
        url = f"http://{channel.listening}/slack/events"
        sent = {**signed(time.time(), slack.signing_secret, body), "content-type": f"application/{kind}"}
        async with session.post(url, data=body, headers=sent) as answer:
            assert answer.status == 400
    assert "cannot be read" in capsys.readouterr().out
