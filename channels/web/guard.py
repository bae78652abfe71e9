"""Who may see the console: loopback only, the right host name, the link's token, and no page of another site."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from rules.errors import ConfigError, StoreAwayError, StoreUnavailableError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger("web")

CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": PAGE_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
FROM_THE_PAGE = "X-Deskbell"
"""The header that our own page sends with every command; another site's form cannot send it."""


def loopback_listener(listen: str) -> tuple[str, int]:
    """The host and port of a ``host:port`` listen address.

    Raises ConfigError when it is no such address, or not on loopback: there is no sign-in yet, so the console
    must not be reachable from other machines.
    """
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError([f'channels.web.listen: "{listen}" is not an address; write it as "127.0.0.1:8080"'])
    if not _is_loopback(host):
        raise ConfigError(
            [
                f'channels.web.listen: "{listen}" can be reached from other machines, and the console has no sign-in '
                f'yet; use "127.0.0.1:{port}"'
            ]
        )
    return host, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_name(request: web.Request) -> str:
    """The host name a request was made to, without its port, in lower case; empty when it makes no sense."""
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}")
        # The port is looked at by whoever needs it; one that is no number makes no sense either.
        return (host.hostname or "") if host.port != 0 else ""
    except ValueError:
        return ""


class Session:
    """The cookie that remembers that a browser once came with the console's token. It never holds the token itself."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._value = hmac.new(self._token, b"deskbell console session", hashlib.sha256).hexdigest()

    def opens(self, token: str) -> bool:
        """Whether this is the token of the printed link."""
        return bool(self._token) and hmac.compare_digest(token.encode("utf-8", "replace"), self._token)

    def holds(self, request: web.Request) -> bool:
        """Whether a request carries the cookie that the token was exchanged for."""
        value = request.cookies.get(self._name(request), "")
        return bool(self._token) and hmac.compare_digest(value.encode("utf-8", "replace"), self._value.encode())

    def give(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put the cookie on a response. Its name has the port, as cookies do not tell the ports of a machine apart."""
        response.set_cookie(self._name(request), self._value, httponly=True, samesite="Strict", path="/")

    @staticmethod
    def _name(request: web.Request) -> str:
        return f"deskbell_{urlsplit(f'//{request.host}').port or 80}"


def refusal(status: int, code: str, text: str) -> web.Response:
    """A refusal in words, as the page shows it."""
    body = json.dumps({"refusal": {"code": code, "text": text}})
    return web.Response(status=status, text=body, content_type="application/json")


def same_origin(request: web.Request) -> bool:
    """Whether a request came from our own page, by what the browser says of it, which no page can forge."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == f"http://{request.headers.get('Host', '')}"


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Put the protecting headers on every response, whatever it is."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "Deskbell"


def hosts_only(public_host: str) -> Middleware:
    """A middleware that answers only under our own names, so that no other name can be rebound to us.

    The public host gets customers' pages and the health check; the console stays on loopback names.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = host_name(request)
        public = request.path.startswith(("/r/", "/static/")) or request.path == "/healthz"
        if name in LOOPBACK_NAMES or (public_host and name == public_host and public):
            return await handler(request)
        return web.Response(status=421, text="This desk does not answer under that host name.\n")

    return check


def _route(request: web.Request) -> str:
    """Which of our pages was asked for, without what a customer's link carries."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


@web.middleware
async def in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what went wrong in words; what it was exactly goes to the log only."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except StoreAwayError as problem:
        # That the database is away is told once, however often a page asks.
        _log.debug("web_store_away", route=_route(request), problem=str(problem))
        text = "Nothing was saved: the desk's database is away. Please try again in a minute."
        return refusal(503, "store_away", text)
    except StoreUnavailableError as problem:
        _log.error("web_store_unavailable", route=_route(request), problem=str(problem))
        return refusal(503, "store_unavailable", "Nothing was saved: the store is not available. Please try again.")
    except (ConnectionError, TimeoutError) as problem:
        _log.info("web_connection_lost", problem=type(problem).__name__)
        return refusal(503, "connection_lost", "The line was lost. Please try again.")
    except Exception as problem:  # noqa: BLE001 -- a bug of ours must not end the connection without a word
        _log.exception("web_failed", route=_route(request), problem=type(problem).__name__)
        return refusal(500, "failed", "Something went wrong on our side; it is in the log.")
