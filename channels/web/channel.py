"""The web listener: the console page for staff, the pages behind customers' links, and the health check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from importlib.resources import files
from urllib.parse import urlsplit

from aiohttp import web

from channels.chat.presence import Presence
from channels.protocol import Hearing, Now
from channels.web import guard
from channels.web.changes import Changes
from channels.web.console import Console
from channels.web.customer import CustomerPages
from channels.web.forms import SlackForms
from channels.web.preview import Preview
from channels.web.protocol import Forms, Health, ReadHealth, Window
from channels.web.views import Views
from rules.effects import OutboxEntry, Receipt
from rules.errors import ChannelError
from rules.policy import Policy
from rules.tokens import read_link

STATIC = {
    "api.js": "text/javascript",
    "app.js": "text/javascript",
    "blockkit.js": "text/javascript",
    "composer.js": "text/javascript",
    "confirm.js": "text/javascript",
    "controls.js": "text/javascript",
    "desk.js": "text/javascript",
    "fields.js": "text/javascript",
    "files.js": "text/javascript",
    "modal.js": "text/javascript",
    "mrkdwn.js": "text/javascript",
    "preview.js": "text/javascript",
    "richtext.js": "text/javascript",
    "search.js": "text/javascript",
    "thread.js": "text/javascript",
    "blockkit.css": "text/css",
    "console.css": "text/css",
    "customer.css": "text/css",
    "preview.css": "text/css",
    "icon.svg": "image/svg+xml",
}
BIGGEST_REQUEST = 1 << 19
HEALTH_PATIENCE = 5.0
GOODBYE_PATIENCE = 3.0


class WebChannel:
    """Serves the web pages on one loopback address; as a sender it stands in for chat, where posting is showing.

    ``intake`` says where mail comes in (``127.0.0.1:2525``), for the empty page; it may be empty. ``forms`` are those
    of Slack unless others are given; ``presence`` is who writes an answer, which Slack shares.
    With ``reuse_port`` other processes of the desk may answer at the same address. Raises ConfigError
    for an address that is not on loopback. ``start`` raises ChannelError when the port is taken.
    """

    name = "web"
    at_once = 64

    def __init__(
        self,
        *,
        listen: str,
        token: str,
        hearing: Hearing,
        window: Window,
        policy: Callable[[], Policy],
        now: Now,
        executor: Executor,
        health: ReadHealth,
        public_url: str = "",
        intake: Callable[[], str] = str,
        forms: Forms | None = None,
        presence: Presence | None = None,
        reuse_port: bool = False,
    ) -> None:
        self._host, self._port = guard.loopback_listener(listen)
        self._token = token
        self._reuse_port = reuse_port
        self._now = now
        self._executor = executor
        self._health = health
        self._public_host = urlsplit(public_url).hostname or ""
        self._changes = Changes()
        self._runner: web.AppRunner | None = None
        opened = forms or SlackForms(hearing, window, policy, now, presence or Presence())
        self._console = Console(
            session=guard.Session(token),
            hearing=hearing,
            window=window,
            policy=policy,
            now=now,
            executor=executor,
            intake=intake,
            changes=self._changes,
            views=Views(opened, policy, executor, self._changes),
            preview=Preview(window=window, policy=policy, forms=opened, now=now, executor=executor),
        )
        self._customers = CustomerPages(
            hearing=hearing, window=window, policy=policy, read_link=read_link, now=now, executor=executor
        )

    async def start(self) -> None:
        """Begin to answer. Raises ChannelError when the address cannot be had."""
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=GOODBYE_PATIENCE)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port, reuse_port=self._reuse_port or None).start()
        except OSError as problem:
            await runner.cleanup()
            raise ChannelError(
                f"channels.web.listen: {self._host}:{self._port} cannot be listened on ({problem.strerror}); "
                "is another program using the port?"
            ) from problem
        self._runner = runner

    async def stop(self) -> None:
        """Let open pages go, finish the commands that are being carried out, and free the port."""
        self._changes.end()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; with port 0 configured, the port that the system chose, once started."""
        if self._runner and self._runner.addresses:
            host, port, *_ = self._runner.addresses[0]
            return str(host), int(port)
        return self._host, self._port

    @property
    def url(self) -> str:
        """The console's address in a browser on this machine, without the token."""
        host, port = self.address
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    @property
    def link(self) -> str:
        """The link to print at start: it has the token, so it belongs on the terminal and in no log."""
        return f"{self.url}?token={self._token}"

    def changed(self, ticket: int | None) -> None:
        """Tell open pages to look at a ticket again. On the event loop only."""
        self._changes.tell(ticket)

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Show a chat effect: the page reads it from the store, so waking the open pages is all there is to do."""
        self._changes.tell(entry.ticket)
        return await self.find(entry)

    async def find(self, entry: OutboxEntry) -> Receipt:
        """A chat effect that is on record is shown: it was delivered."""
        return Receipt(text=f"console:{entry.key}", at=self._now())

    def _app(self) -> web.Application:
        app = web.Application(
            client_max_size=BIGGEST_REQUEST, middlewares=[guard.hosts_only(self._public_host), guard.in_words]
        )
        app.on_response_prepare.append(guard.dress)
        app.add_routes([web.get("/healthz", self._healthz), *map(_static, STATIC)])
        app.add_routes(self._console.routes())
        app.add_routes(self._customers.routes())
        return app

    async def _healthz(self, request: web.Request) -> web.Response:
        """Say how the desk is: 200 when well, 503 when not or when it cannot say within five seconds."""
        loop = asyncio.get_running_loop()
        try:
            health = await asyncio.wait_for(loop.run_in_executor(self._executor, self._health), HEALTH_PATIENCE)
        except TimeoutError:
            health = Health(well=False, checks={"desk": "no answer"})
        body = {"status": "ok" if health.well else "unwell", "checks": dict(health.checks)}
        return web.json_response(body, status=200 if health.well else 503)


def _static(name: str) -> web.RouteDef:
    """A route for one file of the page, read once."""
    body = files("channels.web").joinpath(name).read_bytes()

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=STATIC[name], charset="utf-8")

    return web.get(f"/static/{name}", give)
