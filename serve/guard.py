"""Who is let in, and what browsers are told about every answer."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.errors import WijhaError
from serve.keys import Keys, is_loopback
from serve.problems import RequestError, problem

# What a browser asks for before it can send a key, and what watches over the process; none of it has data.
_OPEN = {"/", "/docs", "/docs/oauth2-redirect", "/openapi.json", "/favicon.ico"}
_OPEN_UNDER = ("/health/", "/page/", "/docs/assets/")
_READS = {"GET", "HEAD"}
_CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# Swagger's page, which has no text of anybody's, begins with a script of its own.
_CSP_DOCS = {
    **_CSP,
    "script-src": "'self' 'unsafe-inline'",
    "style-src": "'self' 'unsafe-inline'",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def is_open(method: str, path: str) -> bool:
    """Whether a request needs no key."""
    return method in _READS and (path in _OPEN or path.startswith(_OPEN_UNDER))


class Guard:
    """Refuses requests without a key, for another host, or from a page of another origin.

    Args:
        keys: who is let in; ``None``: whoever reaches the loopback address.
        hosts: names the server is called by, beside loopback's.
        origins: whose pages may send requests that change or compute something; ``*``: everybody's.
    """

    def __init__(self, app: ASGIApp, *, keys: Keys | None, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app, self._keys, self._hosts, self._origins = app, keys, set(hosts), set(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(scope, Headers(scope=scope))
            except WijhaError as error:
                return await problem(error)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        self._check_host(scope, headers.get("host", ""))
        if scope["method"] not in (*_READS, "OPTIONS"):
            self._check_origin(headers)
        if self._keys and not is_open(scope["method"], scope["path"]):
            scope.setdefault("state", {})["key"] = _name_of(headers.get("authorization", ""), self._keys)

    def _check_host(self, scope: Scope, host: str) -> None:
        """Without keys, a page whose name is made to resolve to this machine would be as good as at home here."""
        if self._keys and not self._hosts:
            return
        name = _host_name(host)
        listening = str((scope.get("server") or ("",))[0])
        if not self._keys and _is_address(listening) and not is_loopback(listening):
            message = "others can reach this address, and no keys are set"
            raise RequestError(403, "no_keys", message, where="WIJHA_KEYS_FILE")
        if not (is_loopback(name) or name == listening or name in self._hosts):
            raise RequestError(421, "foreign_host", "not a name of this server; see WIJHA_HOSTS", where="host")

    def _check_origin(self, headers: Headers) -> None:
        """A browser says which page a request comes from; other clients say nothing and are not asked."""
        origin = headers.get("origin")
        if origin is None or headers.get("sec-fetch-site") == "same-origin" or {origin, "*"} & self._origins:
            return
        if origin.partition("://")[2] != headers.get("host"):
            raise RequestError(403, "cross_origin", "a page of another origin; see WIJHA_CORS_ORIGINS", where="origin")


class SecurityHeaders:
    """Puts on every answer what browsers should know."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        docs = scope["path"].startswith("/docs")
        policy = "; ".join(f"{what} {where}" for what, where in (_CSP_DOCS if docs else _CSP).items())

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, "Content-Security-Policy": policy}.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith(_OPEN_UNDER):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return await self._app(scope, receive, sending)


def _name_of(authorization: str, keys: Keys) -> str:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        message = "send a key: Authorization: Bearer …"
        raise RequestError(401, "no_key", message, where="authorization", headers={"WWW-Authenticate": "Bearer"})
    name = keys.name_of(key.strip().encode("latin-1"))
    if name is None:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise RequestError(401, "bad_key", "not a key of this server", where="authorization", headers=challenge)
    return name


def _host_name(host: str) -> str:
    """Without the port; empty where it is none."""
    try:
        return "" if "@" in host else urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
