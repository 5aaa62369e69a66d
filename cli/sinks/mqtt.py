"""Predictions as messages to an MQTT broker: ``mqtt://HOST:PORT/TOPIC?qos=1``.

After a lost connection some may have been sent twice, none is missing.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import click

from ..errors import DataError
from ..mqtt_client import OPTIONS, Connection, Wishes, client_name, connected, paho
from ..retrying import TURN, Link, Lost
from ..urls import Form, Url, check_hosts, parsed
from .messages import WAIT, encoded
from .protocol import Record, Sink

SCHEME = "mqtt"
FORM = Form(
    "mqtt://HOST:PORT/TOPIC",
    {**OPTIONS, "wait": WAIT},
    port=1883,
    path="topic",
    users=True,
)

#: Messages in memory at most, and under way, if the broker takes as many.
MOST = 1000


@contextmanager
def open_sink(rest: str) -> Iterator[Sink]:
    """Send to a topic."""
    url = parsed(rest, FORM)
    if set(url.path) & set("+#"):
        raise click.UsageError(f"{url.name}: + and # are for filters, not for a topic.")
    with closing(MqttSink(url)) as sink:
        check_hosts(url)
        yield sink


class MqttSink:
    """Sends messages and keeps each until the broker has acknowledged it.

    Parameters
    ----------
    url
        The broker, the topic and the options of `FORM`.
    """

    note: Callable[[str], None] = staticmethod(lambda text: None)

    def __init__(self, url: Url) -> None:
        paho()
        self.name = url.name
        self._url = url
        name, wishes = client_name(url), Wishes(published=self._published, window=MOST)
        self._link: Link[Connection] = Link(
            url.name,
            lambda: connected(url, name, wishes),
            lambda connection: connection.close(forget=True),
            lambda remark: self.note(remark),
        )
        self._waiting: deque[bytes] = deque()
        self._open: dict[int, bytes] = {}
        self._refusal: Any = None

    def write(self, columns: tuple[str, ...], records: Sequence[Record]) -> None:
        """Take some records; wait while the broker acknowledges nothing."""
        for record in records:
            self._waiting.append(encoded(columns, record))
            if self._unsafe() >= MOST:
                self._send(MOST // 2)

    def flush(self) -> None:
        """Wait until all messages are acknowledged."""
        self._send(0)
        connection = self._link.made
        if connection is not None:
            try:
                # Nothing to send: the broker hears all the same that we are there.
                connection.turn(0)
            except Lost as error:
                self._link.lost(error)

    def written(self) -> None:
        """Return None: what was sent cannot be cut."""
        return None

    def close(self) -> None:
        """Take leave of the broker."""
        self._link.close()

    def _send(self, left: int) -> None:
        """Send until no more than so many messages are left without acknowledgement."""
        deadline, before = self._deadline(), self._unsafe()
        while self._unsafe() > left:
            connection = self._link.within(deadline)
            try:
                self._publish(connection)
                connection.turn()
            except Lost as error:
                self._link.lost(error)
                self._waiting.extendleft(reversed(self._open.values()))
                self._open.clear()
            if self._refusal is not None:
                raise DataError(f"refused: {self._refusal}", source=self.name)
            if self._unsafe() < before:
                deadline, before = self._deadline(), self._unsafe()
            elif time.monotonic() > deadline:
                what = f"acknowledges nothing for {self._url.options['wait']} s"
                raise DataError(what, source=self.name)

    def _publish(self, connection: Connection) -> None:
        while self._waiting and len(self._open) < min(MOST, connection.window):
            message = self._waiting.popleft()
            sent = connection.client.publish(self._url.path, message, qos=1)
            self._open[sent.mid] = message

    def _published(self, mid: int, reason: Any) -> None:
        self._open.pop(mid, None)
        if reason is not None and reason.is_failure:
            self._refusal = reason

    def _unsafe(self) -> int:
        return len(self._waiting) + len(self._open)

    def _deadline(self) -> float:
        return time.monotonic() + self._url.options["wait"] + TURN
