"""Every test of the Slack contract runs on the tests' own Slack, and on emulate when `make test-interop` has it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop.peers import EmulatePeer, LoopbackPeer, Peer
from tests.interop.receiver import Receiver, a_receiver

MODULES = os.environ.get("DESKBELL_EMULATE", "")
"""The node_modules folder with emulate and Node 24, set by `make test-interop`."""


@pytest_asyncio.fixture(params=["loopback", "emulate"] if MODULES else ["loopback"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    """A Slack with nothing said in it yet."""
    made: Peer = LoopbackPeer() if request.param == "loopback" else EmulatePeer(Path(MODULES))
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def heard(peer: Peer) -> AsyncIterator[Receiver]:
    """A request URL that this Slack sends its events to."""
    async with a_receiver() as receiver:
        await peer.deliver_to(receiver.url)
        yield receiver
