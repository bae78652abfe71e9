"""The loopback Slack's HTTP server: Web API, socket, uploads, downloads, response URLs and the control door."""

from __future__ import annotations

from aiohttp import web

from tests.loopback_slack.acts import starting_people
from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.deliveries import EVENT_RETRY_DELAYS_S, Deliveries
from tests.loopback_slack.errors import ControlError, Json, RefusedError
from tests.loopback_slack.faults import Fault
from tests.loopback_slack.file_methods import receive_bytes
from tests.loopback_slack.http_delivery import HttpDelivery
from tests.loopback_slack.manifest import Manifest
from tests.loopback_slack.responses import respond
from tests.loopback_slack.sockets import SocketMode
from tests.loopback_slack.state import TEAM_ID
from tests.loopback_slack.troubles import Control
from tests.loopback_slack.web_api import WebApi, faulty_answer
from tests.loopback_slack.world import World

HOST = "127.0.0.1"
BODY_MAX = 64 * 1024 * 1024
CONFIRM_WITHIN_S = 3.0
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in to Loopback | Slack</title></head><body>Sign in</body></html>"


class Server:
    """All of the loopback Slack, on one event loop. `LoopbackSlack` runs it in a thread of its own."""

    def __init__(
        self,
        manifest: Manifest,
        frozen_at: float | None = None,
        rate_limits: bool = True,
        confirm_within_s: float = CONFIRM_WITHIN_S,
        retry_delays_s: tuple[float, ...] = EVENT_RETRY_DELAYS_S,
    ) -> None:
        clock = SlackClock(frozen_at)
        self.deliveries = Deliveries(clock, retry_delays_s)
        self.world = World(manifest, clock, rate_limits, self.deliveries)
        self.sockets = SocketMode(clock, confirm_within_s)
        self.requests = HttpDelivery(clock, self.world.signing_secret, confirm_within_s)
        self.deliveries.transport = self.sockets
        self.control = Control(self.world, self.deliveries, self.sockets, self.requests)
        self.web_api = WebApi(self.world)
        starting_people(self.world)
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_MAX)
        app.router.add_route("*", "/api/{method}", self.web_api.serve)
        app.router.add_get("/link/", self._socket)
        app.router.add_post("/upload/v1/{file}", self._upload)
        app.router.add_get("/files-pri/{file}/{name}", self._download)
        app.router.add_get("/files-pri/{file}/download/{name}", self._download)
        app.router.add_post("/response/{key}", self._response)
        app.router.add_post("/_control", self._controlled)
        return app

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback interface, on a port of the system's choice unless one is given."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        base_url = f"http://{HOST}:{bound}"
        self.world.at(base_url, lambda: self.sockets.new_url(base_url))

    async def stop(self) -> None:
        """End every connection and every attempt under way."""
        await self.deliveries.close()
        await self.sockets.close()
        await self.requests.close()
        await self._runner.cleanup()

    def _fault(self, what: str) -> Fault | None:
        return self.world.outage or self.world.faults.take(what)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.world.outage:
            return faulty_answer(request, self.world.outage)
        return await self.sockets.serve(request)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        fault = self._fault("upload")
        if fault and not fault.after_work:
            return faulty_answer(request, fault)
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            part = next(iter(form.values()))
            content = part.file.read() if isinstance(part, web.FileField) else str(part).encode()
        else:
            content = await request.read()
        try:
            said = receive_bytes(self.world, request.match_info["file"], content)
        except RefusedError as refusal:
            return web.Response(status=400, text=refusal.code)
        return faulty_answer(request, fault) if fault else web.Response(text=said)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """The bytes, for a bearer of the bot token; for anyone else a login page, with status 200."""
        fault = self._fault("download")
        if fault:
            return faulty_answer(request, fault)
        bearer = request.headers.get("Authorization") == f"Bearer {self.world.bot_token}"
        if not bearer or self.world.token_error or "files:read" not in self.world.manifest.scopes:
            return web.Response(text=LOGIN_PAGE, content_type="text/html")
        file = self.world.workspace.files.get(request.match_info["file"].removeprefix(f"{TEAM_ID}-"))
        if file is None or file.content is None:
            return web.Response(status=404, text="not found")
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def _response(self, request: web.Request) -> web.StreamResponse:
        body: Json = await request.json()
        self.world.calls.append({"method": "response_url", "arguments": body, "at": self.world.clock.now()})
        fault = self._fault("response_url")
        if fault and not fault.after_work:
            return faulty_answer(request, fault)
        try:
            to = self.world.triggers.use_response_url(request.match_info["key"])
            respond(self.world, to, body)
        except RefusedError as refusal:
            return web.json_response(refusal.body(), status=404 if refusal.code.endswith("_url") else 400)
        return faulty_answer(request, fault) if fault else web.json_response({"ok": True})

    async def _controlled(self, request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            result = await self.control.call(asked["do"], asked.get("with", {}))
        except ControlError as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)
        return web.json_response({"ok": True, "result": result})
