"""Predictions as JSON lines over TCP: ``tcp://HOST:PORT``.

Nobody acknowledges them: what was under way when a connection is lost may be lost with it.
"""

import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from ..errors import DataError
from ..retrying import TURN, Link, Lost
from ..sockets import connected
from ..urls import Form, Url, check_hosts, parsed
from .messages import WAIT, encoded
from .protocol import Record, Sink

SCHEME = "tcp"
FORM = Form("tcp://HOST:PORT", {"wait": WAIT})


@contextmanager
def open_sink(rest: str) -> Iterator[Sink]:
    """Send to a server."""
    url = parsed(rest, FORM)
    check_hosts(url)
    with closing(TcpSink(url)) as sink:
        yield sink


class TcpSink:
    """Sends lines to a server, and begins the line again in which a connection was lost.

    Parameters
    ----------
    url
        The server, and the options of `FORM`.
    """

    note: Callable[[str], None] = staticmethod(lambda text: None)

    def __init__(self, url: Url) -> None:
        self.name = url.name
        self._wait = url.options["wait"]
        self._link = Link(
            url.name, lambda: connected(url), socket.socket.close, lambda remark: self.note(remark)
        )

    def write(self, columns: tuple[str, ...], records: Sequence[Record]) -> None:
        """Send some records; wait while the receiver reads nothing."""
        data = b"".join(encoded(columns, record) + b"\n" for record in records)
        sent, deadline = 0, time.monotonic() + self._wait
        while sent < len(data):
            peer = self._link.within(deadline)
            try:
                count = _send(peer, data[sent : sent + (1 << 16)])
            except (Lost, OSError) as error:
                self._link.lost(error)
                sent = data.rfind(b"\n", 0, sent) + 1
                continue
            sent += count
            if count:
                deadline = time.monotonic() + self._wait
            elif time.monotonic() > deadline:
                remedy = "Is the receiver too slow? ?wait= gives it more time"
                raise DataError(
                    f"takes nothing for {self._wait} s", source=self.name, remedy=remedy
                )

    def flush(self) -> None:
        """All has been handed to the system: there is nothing to wait for."""

    def written(self) -> None:
        """Return None: what was sent cannot be cut."""
        return None

    def close(self) -> None:
        """End the connection."""
        self._link.close()


def _send(peer: socket.socket, data: bytes) -> int:
    """Return how many bytes could be sent within a turn."""
    readable, writable, _ = select.select([peer], [peer], [], TURN)
    # Who has gone would take some more without complaint; answers are not for us.
    if readable and not peer.recv(1 << 16):
        raise Lost("closed by the other side")
    if not writable:
        return 0
    peer.setblocking(False)
    try:
        return peer.send(data)
    except BlockingIOError:
        return 0
