"""Messages of an MQTT broker: ``mqtt://HOST:PORT/TOPIC/FILTER?client=NAME&qos=1``.

A broker keeps no past. What it has sent with qos 1 it sends again until that is acknowledged, and
that happens with `commit`: what is not in a checkpoint comes again, if the client has a name.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from enum import Enum
from typing import Any

from ..errors import DataError
from ..mqtt_client import OPTIONS, Connection, Wishes, client_name, connected, paho, until
from ..retrying import Link, Lost
from ..urls import Form, Option, Url, check_hosts, parsed, text, whole
from .messages import row_of
from .protocol import Item, Position, Source

SCHEME = "mqtt"
IS_LIVE = True
FORM = Form(
    "mqtt://HOST:PORT/TOPIC/FILTER",
    {
        **OPTIONS,
        "qos": Option(whole(0, 1), 1),
        "topic": Option(text),
        "value": Option(text),
    },
    port=1883,
    path="topic filter",
    users=True,
)

#: That many messages may wait for a checkpoint; the broker then sends no more.
WINDOW = 10_000

#: Seconds that a full window waits for one.
PATIENCE = 10.0


class State(Enum):
    """How far a message has come that is not acknowledged yet."""

    GIVEN = 1
    PASSED = 2
    #: It is in a checkpoint, but the broker could not be told.
    SAFE = 3


@contextmanager
def open_source(rest: str) -> Iterator[Source]:
    """Subscribe to the topics that a filter lets through."""
    url = parsed(rest, FORM)
    with closing(MqttSource(url)) as source:
        check_hosts(url)
        yield source


class MqttSource(Source):
    """The messages of some topics; the position is a mere count.

    Parameters
    ----------
    url
        The broker, the filter and the options of `FORM`.
    """

    is_live = True

    def __init__(self, url: Url) -> None:
        super().__init__(url.name, unit="message")
        paho()
        self._url = url
        self._name = client_name(url)
        self._wishes = Wishes(message=self._take, window=WINDOW)
        self._link: Link[Connection] = Link(
            url.name, self._connected, self._leave, lambda remark: self.note(remark)
        )
        self._ready: deque[Any] = deque()
        #: Messages by the numbers that the broker gave them, in the order in which they came.
        self._open: dict[int, State] = {}
        self._seen_before = False
        self._full_since: float | None = None
        self._told = False
        self._number = self._passed = 0

    @property
    def reconnects(self) -> int:
        """How often a lost connection has come back."""
        return self._link.outage.reconnects

    def items(self) -> Iterator[Item]:
        """Give the messages as they come."""
        while True:
            connection = self._link.get()
            if connection is None:
                yield None
                continue
            try:
                connection.turn()
            except Lost as error:
                self._link.lost(error)
            while self._ready:
                yield self._row(self._ready.popleft())
            yield None
            self._mind_the_window()

    def passed(self, offsets: Sequence[Any]) -> None:
        """Take note that these messages have been used or left out."""
        self._passed += len(offsets)
        for number in offsets:
            if number in self._open:
                self._open[number] = State.PASSED

    def position(self) -> Position:
        """Return how many messages have been passed; no broker can go back to it."""
        return {"messages": self._passed}

    def seek(self, position: Position) -> None:
        """Say that there is no way back."""
        self._passed = position["messages"]
        what = "messages cannot be read again; it goes on with what the broker has kept"
        more = "" if self._url.options["client"] else " (nothing, for a client without ?client=)"
        self.note(f"{self.name}: {what}{more}")

    def commit(self) -> None:
        """Acknowledge what has been passed: the broker does not send it again."""
        for number in [n for n, state in self._open.items() if state is not State.GIVEN]:
            self._acknowledge(number)

    def close(self) -> None:
        """Take leave of the broker."""
        self._link.close()

    def _connected(self) -> Connection:
        made = connected(self._url, self._name, self._wishes)
        try:
            self._subscribe(made)
        except BaseException:
            self._leave(made)
            raise
        return made

    def _subscribe(self, made: Connection) -> None:
        from paho.mqtt.subscribeoptions import SubscribeOptions

        if self._seen_before and not made.remembered:
            what = "the broker has forgotten us; what it was sent meanwhile is lost"
            self.note(f"{self.name}: {what}")
            self._open.clear()
        # What is retained comes with the first subscription only, not with each connection.
        options = SubscribeOptions(qos=self._url.options["qos"], retainHandling=1)
        made.client.subscribe(self._url.path, options=options)
        until(made, lambda: bool(made.answers))
        if made.answers[0].is_failure:
            what = f"the subscription was refused: {made.answers[0]}"
            raise DataError(what, source=self.name)
        self._seen_before = True

    def _take(self, made: Connection, message: Any) -> None:
        """Take a message out of the library; one that is being sent again is here already."""
        if message.qos:
            if message.mid in self._open:
                if self._open[message.mid] is State.SAFE:
                    self._open.pop(message.mid)
                    made.client.ack(message.mid, message.qos)
                return
            self._open[message.mid] = State.GIVEN
        self._ready.append(message)

    def _acknowledge(self, number: int) -> None:
        self._open[number] = State.SAFE
        connection = self._link.made
        if connection is not None and not connection.client.ack(number, 1):
            self._open.pop(number)

    def _mind_the_window(self) -> None:
        """Acknowledge without a checkpoint if none comes: the broker would be silent for ever."""
        if len(self._open) < WINDOW:
            self._full_since = None
            return
        now = time.monotonic()
        self._full_since = self._full_since or now
        if now - self._full_since > PATIENCE:
            if not self._told:
                self._told = True
                what = f"{WINDOW:,} messages wait for a checkpoint; now they are acknowledged"
                self.note(f"{self.name}: {what} without one. Make checkpoints more often")
            self.commit()

    def _row(self, message: Any) -> Item:
        self._number += 1
        options = self._url.options
        more = [] if options["topic"] is None else [(options["topic"], message.topic)]
        offset = message.mid if message.qos else None
        return row_of(
            message.payload, self.name, self._number, offset, more=more, value=options["value"]
        )

    def _leave(self, connection: Connection) -> None:
        connection.close(forget=self._url.options["client"] is None)
