"""A connection of uvicorn's that does not wait for ever."""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .limits import Limits


def connection_type(limits: Limits) -> type[H11Protocol]:
    """Return a connection with these limits; uvicorn makes its connections by itself."""
    return type("BoundedConnection", (Connection,), {"limits": limits})


class Connection(H11Protocol):
    """Bound the times that uvicorn leaves open, and answer all errors as JSON.

    uvicorn closes a connection that is idle after an answer. It waits without end for a request's
    headers, and for a client that does not read its answer.
    """

    limits = Limits()
    _request_timer: asyncio.TimerHandle | None = None
    _answer_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, as long as there is room."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.abort()
            return
        self._watch_request()

    def data_received(self, data: bytes) -> None:
        """Take what came; the time for the headers ends when they are complete."""
        super().data_received(data)
        self._watch_request()

    def pause_writing(self) -> None:
        """Begin the time for reading what was sent."""
        self.flow.pause_writing()
        if self._answer_timer is None:
            seconds = self.limits.answer_seconds
            self._answer_timer = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """End that time: some was read."""
        self.flow.resume_writing()
        _cancel(self._answer_timer)
        self._answer_timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers along with the connection."""
        _cancel(self._request_timer)
        self._request_timer = None
        _cancel(self._answer_timer)
        self._answer_timer = None
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, whether or not the client reads the end of its answer."""
        super().timeout_keep_alive_handler()
        if self._answer_timer is None:
            seconds = self.limits.answer_seconds
            self._answer_timer = self.loop.call_later(seconds, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP at all."""
        body = json.dumps({"error": msg}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        headers.append((b"content-length", str(len(body)).encode()))
        parts: list[Any] = [h11.Response(status_code=400, headers=headers), h11.Data(data=body)]
        for part in [*parts, h11.EndOfMessage()]:
            self.transport.write(self.conn.send(part) or b"")
        self.transport.close()

    def _watch_request(self) -> None:
        """Run the timer while the next request is not complete."""
        if self.cycle is not None and not self.cycle.response_complete:
            _cancel(self._request_timer)
            self._request_timer = None
        elif self._request_timer is None:
            seconds = self.limits.header_seconds
            self._request_timer = self.loop.call_later(seconds, self._request_too_slow)

    def _request_too_slow(self) -> None:
        self._request_timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
