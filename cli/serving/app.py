"""The paths of the server: what is asked of the model, and the page."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from importlib import resources
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from .access import Access
from .body import body_of
from .guard import Guard
from .limits import Limits
from .prometheus import as_metrics
from .request_error import RequestError
from .samples import JSON, parsed, samples_of
from .served import Served

#: Files of the page with their types.
PAGE = {
    "page.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "charts.js": "text/javascript",
}

#: Bytes of a model that are sent at a time.
CHUNK = 1 << 16


def application(served: Served, access: Access, limits: Limits) -> ASGIApp:
    """Return the application that answers for a model."""
    api = Api(served, access, limits)
    files = {name: resources.files(__package__).joinpath("page", name) for name in PAGE}
    pages = [
        Route("/" if name == "page.html" else f"/{name}", _file(path.read_bytes(), PAGE[name]))
        for name, path in files.items()
    ]
    acts = [
        Route("/learn", api.learn, methods=["POST"]),
        Route("/predict", api.predict, methods=["POST"]),
        Route("/login", api.login, methods=["POST"]),
        Route("/status", api.status),
        Route("/model", api.model),
        Route("/metrics", api.metrics),
        Route("/healthz", api.healthz),
    ]
    return Guard(Router(routes=pages + acts, redirect_slashes=False), access, limits)


class Api:
    """The answers.

    Parameters
    ----------
    served
        The model, and what is known of its run.
    access
        Who may ask.
    limits
        How much.
    """

    def __init__(self, served: Served, access: Access, limits: Limits) -> None:
        self._served = served
        self._access = access
        self._limits = limits
        # One at a time, in the order in which the requests were complete.
        self._turn = anyio.CapacityLimiter(1)
        self._logging_in = 0

    async def learn(self, request: Request) -> Response:
        """Predict, then learn."""
        return await self._play(request, "learn", self._served.learn)

    async def predict(self, request: Request) -> Response:
        """Predict and change nothing."""
        return await self._play(request, "predict", self._served.predict)

    async def status(self, request: Request) -> Response:
        """Tell of the run; with ``?series=0`` what a page needs every second."""
        whole = request.query_params.get("series") != "0"
        return Response(await self._in_turn(self._served.status_json, whole), media_type=JSON)

    async def metrics(self, _: Request) -> Response:
        """Tell of the run as Prometheus reads it."""
        text = as_metrics(json.loads(await self._in_turn(self._served.status_json, False)))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def model(self, _: Request) -> Response:
        """Return the saved model."""
        data = await self._in_turn(self._served.model_bytes)
        headers = {
            "Content-Length": str(len(data)),
            "Content-Disposition": 'attachment; filename="model.safetensors"',
        }
        return StreamingResponse(_chunks(data), 200, headers, "application/octet-stream")

    async def healthz(self, _: Request) -> Response:
        """Say that the server is there."""
        return JSONResponse({"status": "ok"})

    async def login(self, request: Request) -> Response:
        """Let a browser in that shows the token."""
        if self._logging_in >= LOGINS:
            raise RequestError(503, "too many log in at a time: come again.", {"Retry-After": "1"})
        self._logging_in += 1
        try:
            return await self._logged_in(request)
        finally:
            self._logging_in -= 1

    async def _logged_in(self, request: Request) -> Response:
        await _only_json(request)
        most = min(LOGIN_BYTES, self._limits.max_body)
        asked = parsed(await body_of(request, replace(self._limits, max_body=most)))
        token = asked.get("token") if isinstance(asked, dict) else None
        try:
            cookie = self._access.cookie_for(token)
        except RequestError:
            await anyio.sleep(WRONG_TOKEN_SECONDS)
            raise
        return JSONResponse({"status": "ok"}, headers={"Set-Cookie": cookie})

    async def _play(
        self, request: Request, act: str, play: Callable[[list[Any]], list[Any]]
    ) -> Response:
        body = await body_of(request, self._limits)
        kind = request.headers.get("content-type", "")
        samples, many = samples_of(body, kind, act, self._limits.max_samples)
        predictions = await self._in_turn(play, samples)
        if many:
            return JSONResponse({"predictions": predictions})
        return JSONResponse({"prediction": predictions[0]})

    async def _in_turn(self, act: Callable[..., Any], *arguments: Any) -> Any:
        """Call what waits for the model away from the connections, which go on meanwhile."""
        return await anyio.to_thread.run_sync(act, *arguments, limiter=self._turn)


#: How long a wrong token takes, so that guessing is slow.
WRONG_TOKEN_SECONDS = 0.5
#: Who logs in at one time, and bytes of each: anybody may try, and must leave room for all who are
#: known.
LOGINS, LOGIN_BYTES = 8, 4096


async def _only_json(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise RequestError(415, f"the Content-Type must be {JSON}.")


def _file(content: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]
