"""Predictions as entries of a Redis stream: ``redis://HOST:PORT/STREAM?maxlen=100000``.

An entry has one field, ``json``. After a lost connection some may be there twice, none is missing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ..redis_client import OPTIONS, RedisLink
from ..retrying import Lost
from ..urls import Form, Option, Url, check_hosts, parsed, whole
from .messages import WAIT, encoded
from .protocol import Record, Sink

SCHEME = "redis"
FORM = Form(
    "redis://HOST:PORT/STREAM",
    {**OPTIONS, "maxlen": Option(whole(1)), "wait": WAIT},
    port=6379,
    path="stream",
    users=True,
)

#: Entries sent at once; so many are in memory at most.
COUNT = 500


@contextmanager
def open_sink(rest: str) -> Iterator[Sink]:
    """Add to a stream."""
    url = parsed(rest, FORM)
    with closing(RedisSink(url)) as sink:
        check_hosts(url)
        yield sink


class RedisSink:
    """Adds entries to a stream, many at once.

    Parameters
    ----------
    url
        The server, the stream and the options of `FORM`.
    """

    note: Callable[[str], None] = staticmethod(lambda text: None)

    def __init__(self, url: Url) -> None:
        self.name = url.name
        self._url = url
        self._link = RedisLink(url, lambda remark: self.note(remark))
        self._waiting: list[bytes] = []

    def write(self, columns: tuple[str, ...], records: Sequence[Record]) -> None:
        """Take some records; those that fill a block are sent."""
        for record in records:
            self._waiting.append(encoded(columns, record))
            if len(self._waiting) >= COUNT:
                self.flush()

    def flush(self) -> None:
        """Send what waits."""
        deadline = time.monotonic() + self._url.options["wait"]
        while self._waiting:
            self._link.within(deadline)
            try:
                self._link.call(self._add)
            except Lost as error:
                self._link.lost(error)
                continue
            self._waiting.clear()

    def written(self) -> None:
        """Return None: what was sent cannot be cut."""
        return None

    def close(self) -> None:
        """End the connection."""
        self._link.close()

    def _add(self, client: Any) -> None:
        # One after the other, not as a transaction: there is nothing that could be half done.
        with client.pipeline(transaction=False) as pipeline:
            for entry in self._waiting:
                pipeline.xadd(self._url.path, {"json": entry}, maxlen=self._url.options["maxlen"])
            pipeline.execute()
