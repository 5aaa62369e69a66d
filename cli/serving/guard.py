"""What every request passes: access, room, and errors turned into answers."""

import logging
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import Access
from .limits import Limits
from .request_error import RequestError

#: What browsers may do with what they get: nothing from elsewhere, and nothing kept.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

LOG = logging.getLogger("streamrnn.serving")


class Guard:
    """Let requests through to the application, or answer them itself.

    Parameters
    ----------
    app
        The application.
    access
        Who may ask.
    limits
        How many at a time.
    """

    def __init__(self, app: ASGIApp, access: Access, limits: Limits) -> None:
        self._app = app
        self._access = access
        self._limits = limits
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *ours]}
            await send(message)

        self._at_work += 1
        try:
            await self._answer(scope, receive, sending)
        except Exception as error:
            if begun:  # nothing else can be said: the connection is closed in the middle
                raise
            await _told(error)(scope, receive, sending)
        finally:
            self._at_work -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._access.check(scope["method"], scope["path"], headers)
        if self._at_work > self._limits.waiting:
            raise RequestError(
                503, "too many requests at a time: come again.", {"Retry-After": "1"}
            )
        # With an application in it, starlette raises where it would answer in its own words.
        await self._app({**scope, "app": self}, receive, send)


def _told(error: Exception) -> JSONResponse:
    """Return what the client is told of an error."""
    if isinstance(error, RequestError):
        return JSONResponse(error.content, error.status, error.headers)
    if isinstance(error, HTTPException):
        content: dict[str, Any] = {"error": f"{error.detail}: GET / shows what there is."}
        return JSONResponse(content, error.status_code, error.headers)
    LOG.error("a request failed", exc_info=error)
    what = f"{type(error).__name__} in the server: its messages tell more."
    return JSONResponse({"error": what}, 500)
