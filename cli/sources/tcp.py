"""Lines over TCP: ``tcp://HOST:PORT``, or ``tcp://HOST:PORT?listen=1`` to wait for senders."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import ModuleType

import click

from ..errors import DataError
from ..lines import Pause
from ..retrying import TURN, Link, said
from ..sockets import connected, keep_alive
from ..suggestions import listed
from ..urls import Form, Option, Url, check_hosts, flag, parsed, text
from .passing import PassingText
from .pieces import CHUNK, LineBuffer
from .protocol import Source

SCHEME = "tcp"
IS_LIVE = True
FORM = Form("tcp://HOST:PORT", {"listen": Option(flag, False), "format": Option(text)})


@contextmanager
def open_source(rest: str) -> Iterator[Source]:
    """Connect to a server, or wait for senders, one at a time."""
    from . import formats

    url = parsed(rest, FORM)
    wanted = url.options["format"]
    if wanted is not None and wanted not in formats():
        raise click.UsageError(f"{SCHEME}: no format {wanted!r}. There are {listed(formats())}.")
    check_hosts(url)
    with closing(
        TcpSource(url, [formats()[wanted]] if wanted else list(formats().values()))
    ) as source:
        yield source


class TcpSource(PassingText):
    """Lines that other programs send; those that nobody was there to receive are not sent again."""

    def __init__(self, url: Url, formats: list[ModuleType]) -> None:
        peers = _Senders if url.options["listen"] else _Server
        self._peers = peers(url, lambda remark: self.note(remark))
        super().__init__(_Lines(self._peers, url.name), url.name, formats)

    @property
    def reconnects(self) -> int:
        """How often a lost connection has come back."""
        return self._peers.reconnects

    def close(self) -> None:
        """End the connection."""
        self._peers.close()


class _Server:
    """The server that is called, again and again if it goes away."""

    def __init__(self, url: Url, note: Callable[[str], None]) -> None:
        self.note = note
        self._link = Link(url.name, lambda: connected(url), socket.socket.close, note)

    def peer(self) -> socket.socket | None:
        """Return the connection, if there is one."""
        return self._link.get()

    def left(self, reason: object) -> None:
        """Take note that the connection has ended."""
        self._link.lost(reason)

    @property
    def reconnects(self) -> int:
        """How often the server has come back."""
        return self._link.outage.reconnects

    def close(self) -> None:
        """End the connection."""
        self._link.close()


class _Senders:
    """Those who call, one after the other; while one is there the next one waits."""

    def __init__(self, url: Url, note: Callable[[str], None]) -> None:
        self.note = note
        self._door = _door(url)
        self._peer: socket.socket | None = None
        self._callers = 0

    def peer(self) -> socket.socket | None:
        """Return the connection of a sender, if there is one."""
        if self._peer is None and select.select([self._door], [], [], TURN)[0]:
            self._peer, _ = self._door.accept()
            self._callers += 1
            keep_alive(self._peer)
        return self._peer

    def left(self, reason: object) -> None:
        """Make way for the next sender."""
        if self._peer is not None:
            self._peer.close()
        self._peer = None

    @property
    def reconnects(self) -> int:
        """How many senders have followed the first one."""
        return max(0, self._callers - 1)

    def close(self) -> None:
        """Receive nobody any more."""
        self.left("end")
        self._door.close()


class _Lines(Iterator[bytes]):
    """The lines that come from the peers; raises `Pause` while there is none."""

    def __init__(self, peers: _Server | _Senders, name: str) -> None:
        self._peers = peers
        self._name = name
        self._buffer = LineBuffer(name)
        self._gave = False

    def __next__(self) -> bytes:
        while (line := self._buffer.take()) is None:
            peer = self._peers.peer()
            # Lines that were given are used before others are awaited.
            wait = 0 if self._gave else TURN
            if peer is None or not select.select([peer], [], [], wait)[0]:
                self._gave = False
                raise Pause
            try:
                chunk = peer.recv(CHUNK)
            except OSError as error:
                self._left(error)
                continue
            if chunk:
                self._buffer.feed(chunk)
            else:
                self._left("closed by the other side")
        self._gave = True
        return line

    def _left(self, reason: object) -> None:
        self._peers.left(reason)
        forgotten = self._buffer.begin()
        if forgotten:
            what = f"the connection ended within a line; its {forgotten:,} bytes are left out"
            self._peers.note(f"{self._name}: {what}")


def _door(url: Url) -> socket.socket:
    """Return a socket that others can call."""
    host, port = url.hosts[0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1)
    except OSError as error:
        what = f"cannot listen there ({said(error)})"
        raise DataError(what, source=url.name, remedy="Choose another port, or 0.0.0.0") from None
