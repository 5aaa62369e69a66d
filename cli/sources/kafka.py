"""Messages of a Kafka topic: ``kafka://HOST:PORT,HOST:PORT/TOPIC?from=earliest&group=NAME``.

All partitions are read, without the groups by which Kafka shares them out: where we are belongs
to the model that has learnt from it, and is kept with that.
"""

import datetime
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ..errors import DataError
from ..kafka_client import OPTIONS, Troubles, configuration, library
from ..retrying import CONNECT_TIMEOUT, TURN, patiently, said
from ..urls import Form, Option, Url, check_hosts, one_of, parsed, text
from .messages import row_of
from .protocol import Item, Position, Source

SCHEME = "kafka"
IS_LIVE = True
FORM = Form(
    "kafka://HOST:PORT/TOPIC",
    {
        **OPTIONS,
        "from": Option(one_of("earliest", "latest"), "earliest"),
        "group": Option(text),
        "key": Option(text),
        "timestamp": Option(text),
    },
    port=9092,
    path="topic",
    users=True,
)

#: Messages asked for at once.
COUNT = 500

#: Kilobytes that wait in memory at most.
WAITING = 16_384

#: Seconds between two looks for new partitions.
LOOK = 30.0


@contextmanager
def open_source(rest: str) -> Iterator[Source]:
    """Read all partitions of a topic from their beginning, or from a position."""
    url = parsed(rest, FORM)
    with closing(KafkaSource(url)) as source:
        check_hosts(url)
        yield source


class KafkaSource(Source):
    """The messages of one topic; the position is the next offset of each partition.

    Parameters
    ----------
    url
        The brokers, the topic and the options of `FORM`.
    """

    is_live = True

    def __init__(self, url: Url) -> None:
        super().__init__(url.name, unit="message")
        self._url = url
        self._kafka = library()
        self._troubles = Troubles(url.name, lambda remark: self.note(remark))
        own = {
            # There must be one; without `group` nothing is ever told to it.
            "group.id": url.options["group"] or "streamrnn",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": WAITING,
        }
        self._consumer = self._kafka.Consumer(configuration(url, self._troubles.take) | own)
        self._position: dict[str, int] = {}
        #: The next offset of each partition that has not been given, ahead of the position.
        self._ahead: dict[int, int] = {}
        self._committed: Position = {}
        self._number = 0
        self._looked = 0.0

    @property
    def reconnects(self) -> int:
        """How often lost brokers have come back."""
        return self._troubles.outage.reconnects

    def items(self) -> Iterator[Item]:
        """Give the messages, those of a partition in order."""
        yield from self._begin()
        while True:
            messages = self._arrived()
            self._troubles.check()
            if messages:
                self._troubles.outage.back()
            for message in messages:
                if message.error() is not None:
                    yield from self._repair(message)
                    continue
                self._number += 1
                yield self._row(message)
            if len(messages) < COUNT:
                yield None
            yield from self._look()

    def _arrived(self) -> list[Any]:
        """Return the messages that are here; if there are none, wait a moment for one."""
        first = self._consumer.poll(TURN)
        return [] if first is None else [first, *self._consumer.consume(COUNT - 1, 0)]

    def passed(self, offsets: Sequence[Any]) -> None:
        """Take note that these messages have been used or left out."""
        for partition, offset in offsets:
            self._position[str(partition)] = offset + 1

    def position(self) -> Position:
        """Return the next offset of each partition."""
        return dict(self._position)

    def seek(self, position: Position) -> None:
        """Begin at these offsets; partitions that are not among them from their beginning."""
        self._position = dict(position)

    def commit(self) -> None:
        """Tell the group what has been passed, so that monitors see how far this is."""
        if self._url.options["group"] is None or self._position == self._committed:
            return
        self._committed = self.position()
        offsets = [self._place(int(p), offset) for p, offset in self._position.items()]
        # Nothing is read by it: one that fails is put right by the next one.
        self._consumer.commit(offsets=offsets, asynchronous=True)

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _begin(self) -> Iterator[None]:
        """Settle where each partition begins."""
        known = bool(self._position)
        waiting = False
        while not (partitions := (yield from self._partitions())):
            if not waiting and not self._troubles.outage.lasts:
                self.note(f"{self.name}: the topic does not exist yet; waiting for it")
                waiting = True
            time.sleep(TURN)
            # Nothing is assigned yet: it brings no message, only what is wrong.
            self._consumer.poll(0)
            self._troubles.check()
            yield None
        gone = set(self._position) - {str(partition) for partition in partitions}
        if gone:
            what = f"has no partition {min(gone)}, which had been read before"
            remedy = "Is it the same topic? Start afresh without --resume"
            raise DataError(what, source=self.name, remedy=remedy)
        self._looked = time.monotonic()
        latest = self._url.options["from"] == "latest" and not known
        yield from self._assign(partitions, latest)

    def _assign(self, partitions: Sequence[int], latest: bool) -> Iterator[None]:
        for partition in partitions:
            low, high = yield from self._bounds(partition)
            start = self._position.get(str(partition), high if latest else low)
            start = self._within(partition, start, low, high)
            self._position[str(partition)] = self._ahead[partition] = start
        places = [self._place(partition, self._ahead[partition]) for partition in partitions]
        self._consumer.incremental_assign(places)

    def _within(self, partition: int, start: int, low: int, high: int) -> int:
        """Return where a partition can be read from, at `start` or behind it."""
        if start > high:
            what = f"partition {partition} ends at {high}, but {start} had been read before"
            remedy = "Is it the same topic? Start afresh without --resume"
            raise DataError(what, source=self.name, remedy=remedy)
        if start < low:
            what = f"the messages {start} to {low - 1} of partition {partition} have been deleted"
            self.note(f"{self.name}: {what} before they were read")
        return max(start, low)

    def _look(self) -> Iterator[None]:
        """Take new partitions in, now and then; during an outage see whether it is over."""
        outage = self._troubles.outage
        now = time.monotonic()
        if now - self._looked < LOOK and not (outage.lasts and outage.due):
            return
        self._looked = now
        partitions = yield from self._partitions()
        new = [partition for partition in partitions if str(partition) not in self._position]
        yield from self._assign(new, latest=False)

    def _partitions(self) -> Generator[None, None, list[int]]:
        """Return the numbers of the partitions; none if there is no topic or no broker."""
        topic = self._url.path

        def ask() -> Any:
            return self._consumer.list_topics(topic, timeout=CONNECT_TIMEOUT)

        try:
            found = (yield from patiently(ask)).topics[topic]
        except self._kafka.KafkaException as error:
            self._failed(error)
            return []
        self._troubles.outage.back()
        if found.error is not None:
            self._troubles.check(found.error)
            return []
        return sorted(found.partitions)

    def _bounds(self, partition: int) -> Generator[None, None, tuple[int, int]]:
        """Return the first offset of a partition and the one behind the last."""
        place = self._place(partition)
        while True:
            try:
                return (
                    yield from patiently(
                        lambda: self._consumer.get_watermark_offsets(place, CONNECT_TIMEOUT)
                    )
                )
            except self._kafka.KafkaException as error:
                self._failed(error)
                yield None

    def _failed(self, error: Any) -> None:
        # The callbacks of the library come within this call; nothing is assigned yet or paused.
        inner = error.args[0]
        self._troubles.check(inner)
        self._troubles.outage.lost(said(inner.str()))

    def _repair(self, message: Any) -> Iterator[None]:
        """Go on behind messages that were deleted while this was running."""
        error = message.error()
        self._troubles.check(error)
        if error.code() == self._kafka.KafkaError._AUTO_OFFSET_RESET:
            partition = message.partition()
            low, high = yield from self._bounds(partition)
            start = self._within(partition, self._ahead[partition], low, high)
            self._consumer.incremental_unassign([self._place(partition)])
            self._consumer.incremental_assign([self._place(partition, start)])
        elif not error.retriable():
            raise DataError(said(error.str()), source=self.name)

    def _place(self, partition: int, offset: int | None = None) -> Any:
        place = (self._url.path, partition)
        return self._kafka.TopicPartition(*place, *(() if offset is None else (offset,)))

    def _row(self, message: Any) -> Item:
        options, offset = self._url.options, (message.partition(), message.offset())
        self._ahead[offset[0]] = offset[1] + 1
        more = []
        if options["key"] is not None:
            key = message.key()
            more.append((options["key"], key and key.decode(errors="backslashreplace")))
        if options["timestamp"] is not None:
            more.append((options["timestamp"], _time(message.timestamp()[1])))
        place = f"message {offset[0]}:{offset[1]}"
        return row_of(message.value(), self.name, self._number, offset, place=place, more=more)


def _time(milliseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds")
