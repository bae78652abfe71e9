"""Files in Slack: a customer's are put into the ticket's thread, and those that staff share there are fetched."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import aiohttp
import structlog

from channels.slack.calls import call
from channels.slack.hearing.parse import SharedFile
from rules.effects import OwedFile, StaffFile
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError
from rules.files import STAFF_COUNT_MOST, STAFF_MOST

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

TRIES = 2
HOPS_MOST = 3
_CHUNK = 64 * 1024
_PATIENCE = aiohttp.ClientTimeout(total=120.0, sock_connect=15.0)


class _NotHadError(Exception):
    """A file's bytes could not be had; ``problem`` is one of those of ``StaffFile``."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class SlackFiles:
    """Uploads and downloads. Addresses come from Slack; the token goes nowhere but where Slack keeps its files."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    async def put(self, file: OwedFile, data: bytes, *, channel: str, thread: str) -> str:
        """Share a file in a thread; gives Slack's id of it. Only the last of three steps can be seen by anybody.

        Raises TemporaryDeliveryError, PermanentDeliveryError or, from the last step, UncertainDeliveryError.
        """
        asked = self._client.files_getUploadURLExternal(filename=file.filename, length=len(data))
        told = await call("files.getUploadURLExternal", asked, repeatable=True)
        await self._hand_over(str(told["upload_url"]), data)
        file_id = str(told["file_id"])
        shared = self._client.files_completeUploadExternal(
            files=[{"id": file_id, "title": file.filename}], channel_id=channel, thread_ts=thread
        )
        await call("files.completeUploadExternal", shared, repeatable=False)
        return file_id

    async def _hand_over(self, url: str, data: bytes) -> None:
        try:
            upload = self._session.post(url, data=BytesIO(data), timeout=_PATIENCE, allow_redirects=False)
            async with upload as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TemporaryDeliveryError(f"The line broke while a file was uploaded: {type(error).__name__}") from error
        if status == 429 or status >= 500:
            raise TemporaryDeliveryError(f"Slack does not take the file now: HTTP {status}.")
        if status != 200:
            raise PermanentDeliveryError(f"Slack refused the file: HTTP {status}.")

    async def fetch(self, shared: Sequence[SharedFile]) -> tuple[StaffFile, ...]:
        """The files of a staff message with their bytes; one that cannot be had says why, and the desk refuses it."""
        if len(shared) > STAFF_COUNT_MOST:
            return tuple(_without(file, "") for file in shared)
        if sum(file.size for file in shared) > STAFF_MOST:
            largest = max(shared, key=lambda file: file.size)
            return (_without(largest, "large"),)
        return tuple([await self._fetch_one(file) for file in shared])

    async def _fetch_one(self, file: SharedFile) -> StaffFile:
        problem = "broken"
        for _ in range(TRIES):
            try:
                data = await self._download(file)
            except _NotHadError as error:
                problem = error.problem
                if problem != "broken":
                    break
            else:
                return StaffFile(filename=file.name, content_type=file.content_type, data=data)
        log.warning("slack_file_not_had", file=file.id, problem=problem)
        return _without(file, problem)

    async def _download(self, file: SharedFile) -> bytes:
        """The bytes of a file. Raises _NotHadError."""
        if file.elsewhere:
            raise _NotHadError("elsewhere")
        if not file.url or not self._is_trusted(file.url):
            raise _NotHadError("hidden")
        try:
            return await self._follow(file)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _NotHadError("broken") from error

    def _is_trusted(self, url: str) -> bool:
        """Whether the token may travel there: never without encryption when Slack itself is reached with it."""
        scheme = urlsplit(url).scheme
        return scheme == "https" or scheme == urlsplit(self._client.base_url).scheme

    async def _follow(self, file: SharedFile) -> bytes:
        url = file.url
        for _ in range(HOPS_MOST):
            async with self._session.get(
                url, headers=self._pass_for(url, file.url), timeout=_PATIENCE, allow_redirects=False
            ) as response:
                if not 300 <= response.status < 400:
                    return await _read(file, response)
                url = urljoin(url, response.headers.get("Location", ""))
        raise _NotHadError("broken")

    def _pass_for(self, url: str, first: str) -> dict[str, str]:
        """The token, for the host that Slack named; no other host that a redirect leads to ever sees it."""
        there, named = urlsplit(url), urlsplit(first)
        same = (there.scheme, there.netloc) == (named.scheme, named.netloc)
        return {"Authorization": f"Bearer {self._client.token}"} if same else {}


async def _read(file: SharedFile, response: aiohttp.ClientResponse) -> bytes:
    """The body, if it is the file: who may not read it gets a page to sign in, with status 200."""
    if response.status in (401, 403):
        raise _NotHadError("hidden")
    if response.status != 200:
        raise _NotHadError("broken")
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        data += chunk
        if len(data) > STAFF_MOST:
            raise _NotHadError("large")
    is_page = response.content_type == "text/html"
    if is_page and (file.content_type != "text/html" or len(data) != file.size):
        raise _NotHadError("hidden")
    if file.size and len(data) != file.size:
        raise _NotHadError("broken")
    return bytes(data)


def _without(file: SharedFile, problem: str) -> StaffFile:
    return StaffFile(filename=file.name, content_type=file.content_type, problem=problem)
