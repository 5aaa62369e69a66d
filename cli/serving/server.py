"""The server in a thread of its own, beside whatever else the process does."""

import asyncio
import socket
import threading
from typing import Any

import click

from ..extras import check
from .access import Access, check_token
from .limits import Limits
from .served import Served

#: Seconds that the thread may take to begin, and to end beyond what requests have.
PATIENCE = 30.0


class Handle:
    """A server that runs.

    Parameters
    ----------
    server
        It.
    thread
        Where it runs.
    url
        Where it is found.
    """

    def __init__(self, server: Any, thread: threading.Thread, url: str) -> None:
        self._server = server
        self._thread = thread
        self.url = url

    def close(self) -> None:
        """Finish the requests at work and end. May be called again."""
        self._server.should_exit = True
        self._thread.join(PATIENCE)


def check_available() -> None:
    """Raise a usage error if the packages of the extra ``serve`` are missing."""
    for name in ("starlette", "uvicorn"):
        check(name, name, "serve")


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; a usage error if there is none to be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise click.UsageError(f"--host {host}: {error.strerror}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        hint = "" if error.strerror is None else f": {error.strerror}"
        raise click.UsageError(
            f"cannot listen at {host}, port {port}{hint}. Give another --port (0: any free one)."
        ) from None
    return listener


def start_in_thread(
    served: Served,
    host: str,
    port: int,
    token: str | None,
    limits: Limits | None = None,
    listener: socket.socket | None = None,
) -> Handle:
    """Serve a model until the handle is closed.

    Parameters
    ----------
    served
        The model.
    host, port
        Where to listen; port 0 takes a free one.
    token
        What clients must show; None: nothing, which only loopback addresses may do.
    limits
        What clients may ask.
    listener
        A socket from `bind`, if there is one already.

    Raises
    ------
    click.UsageError
        If a package is missing, the address cannot be had, or a token is missing or weak.
    """
    check_available()
    check_token(token, host)

    limits = limits or Limits()
    listener = listener or bind(host, port)
    address, port = listener.getsockname()[:2]
    server = _server(served, Access(host, port, token), limits)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), name="serve", daemon=True
    )
    thread.start()
    name = f"[{address}]" if ":" in address else address
    return Handle(server, thread, f"http://{name}:{port}")


def _server(served: Served, access: Access, limits: Limits) -> Any:
    import uvicorn

    from .app import application
    from .connection import connection_type

    return uvicorn.Server(
        uvicorn.Config(
            application(served, access, limits),
            http=connection_type(limits),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # the guard tells of what goes wrong
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=limits.idle_seconds,
            timeout_graceful_shutdown=limits.stop_seconds,
        )
    )
