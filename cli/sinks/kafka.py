"""Predictions as messages of a Kafka topic: ``kafka://HOST:PORT/TOPIC``.

The key of a prediction is that of the message: those of one key stay in order in one partition.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ..errors import DataError
from ..kafka_client import OPTIONS, Troubles, configuration, library
from ..retrying import TURN, said
from ..urls import Form, Url, check_hosts, parsed
from .messages import WAIT, encoded
from .protocol import Record, Sink

SCHEME = "kafka"
FORM = Form(
    "kafka://HOST:PORT/TOPIC", {**OPTIONS, "wait": WAIT}, port=9092, path="topic", users=True
)

#: Messages that wait in memory at most, and their kilobytes.
MOST, MOST_KILOBYTES = 10_000, 65_536

#: The column that is the key.
KEY = "key"


@contextmanager
def open_sink(rest: str) -> Iterator[Sink]:
    """Send to a topic."""
    url = parsed(rest, FORM)
    with closing(KafkaSink(url)) as sink:
        check_hosts(url)
        yield sink


class KafkaSink:
    """Sends messages, each of them once however often the library has to try.

    Parameters
    ----------
    url
        The brokers, the topic and the options of `FORM`.
    """

    note: Callable[[str], None] = staticmethod(lambda text: None)

    def __init__(self, url: Url) -> None:
        self.name = url.name
        self._url = url
        self._troubles = Troubles(url.name, lambda remark: self.note(remark))
        self._failed: Any = None
        own = {
            "enable.idempotence": True,
            "message.timeout.ms": url.options["wait"] * 1000,
            "queue.buffering.max.messages": MOST,
            "queue.buffering.max.kbytes": MOST_KILOBYTES,
        }
        settings = configuration(url, self._troubles.take) | own
        self._producer = library().Producer(settings)

    def write(self, columns: tuple[str, ...], records: Sequence[Record]) -> None:
        """Give some records to the library; wait while its queue is full."""
        at = columns.index(KEY) if KEY in columns else None
        for record in records:
            key = None if at is None or record[at] is None else str(record[at]).encode()
            self._produce(encoded(columns, record), key)
        self._check()

    def flush(self) -> None:
        """Wait until all messages have arrived."""
        deadline = time.monotonic() + self._url.options["wait"] + 1
        while self._producer.flush(TURN):
            self._check()
            if time.monotonic() > deadline:
                raise self._given_up()
        self._check()

    def written(self) -> None:
        """Return None: what was sent cannot be cut."""
        return None

    def close(self) -> None:
        """Let go of what has not arrived; who wants that it does flushes before."""
        self._producer.purge()
        self._producer.flush(TURN)

    def _produce(self, message: bytes, key: bytes | None) -> None:
        deadline = time.monotonic() + self._url.options["wait"] + 1
        while True:
            try:
                self._producer.produce(self._url.path, message, key, on_delivery=self._delivered)
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(TURN)
                self._check()
                if time.monotonic() > deadline:
                    raise self._given_up() from None

    def _delivered(self, error: Any, _: Any) -> None:
        if error is None:
            self._troubles.outage.back()
        else:
            self._failed = self._failed or error

    def _check(self) -> None:
        self._troubles.check(self._failed)
        if self._failed is not None:
            raise DataError(f"not delivered ({said(self._failed.str())})", source=self.name)

    def _given_up(self) -> DataError:
        what = f"takes nothing for {self._url.options['wait']} s"
        reason = self._troubles.outage.reason
        return DataError(f"{what} ({reason})" if reason else what, source=self.name)
