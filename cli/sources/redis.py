"""Entries of a Redis stream: ``redis://HOST:PORT/STREAM?db=0&from=earliest&group=NAME``."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ..errors import DataError
from ..redis_client import OPTIONS, RedisLink
from ..retrying import TURN, Lost, patiently
from ..urls import Form, Option, Url, check_hosts, one_of, parsed, text
from .messages import row_of
from .protocol import Item, Position, Row, Source

SCHEME = "redis"
IS_LIVE = True
FORM = Form(
    "redis://HOST:PORT/STREAM",
    {
        **OPTIONS,
        "from": Option(one_of("earliest", "latest"), "earliest"),
        "group": Option(text),
    },
    port=6379,
    path="stream",
    users=True,
)

#: Entries asked for at once.
COUNT = 500

#: An entry with this field alone holds a JSON object.
JSON_FIELD = b"json"


@contextmanager
def open_source(rest: str) -> Iterator[Source]:
    """Read the stream from its beginning, or from a position."""
    url = parsed(rest, FORM)
    with closing(RedisSource(url)) as source:
        check_hosts(url)
        yield source


class RedisSource(Source):
    """The entries of one stream; the position is the identity of the last one.

    Parameters
    ----------
    url
        The server, the stream and the options of `FORM`.
    """

    is_live = True

    def __init__(self, url: Url) -> None:
        super().__init__(url.name, unit="message")
        self._url = url
        self._link = RedisLink(url, lambda remark: self.note(remark))
        self._passed: str | None = None
        self._last: str | None = None
        self._committed: str | None = None
        self._number = 0

    @property
    def reconnects(self) -> int:
        """How often a lost connection has come back."""
        return self._link.outage.reconnects

    def items(self) -> Iterator[Item]:
        """Give the entries behind the last one that was passed."""
        self._last = self._passed
        yield from self._begin()
        while True:
            if self._link.get() is None:
                yield None
                continue
            try:
                # A server that hangs must not hang us: the call may take as long as it wants.
                answer = yield from patiently(lambda: self._link.call(self._read))
            except Lost as error:
                self._link.lost(error)
                continue
            for identity, fields in answer:
                self._last = identity.decode()
                self._number += 1
                yield self._row(self._last, fields)
            if not answer:
                yield None

    def passed(self, offsets: Sequence[Any]) -> None:
        """Take note that these entries have been used or left out."""
        self._passed = offsets[-1]

    def position(self) -> Position:
        """Return the identity of the last entry that was passed."""
        return {"id": self._passed}

    def seek(self, position: Position) -> None:
        """Begin behind the entry with this identity."""
        self._passed = position["id"]

    def commit(self) -> None:
        """Set the group to the last passed entry, so that monitors can tell how far this is."""
        if self._url.options["group"] is None or self._passed == self._committed:
            return
        if self._link.made is None:
            return
        try:
            self._link.call(self._set_group)
            self._committed = self._passed
        except Lost as error:
            # The next commit sets it, too, and nothing is read by it.
            self._link.lost(error)

    def close(self) -> None:
        """End the connection."""
        self._link.close()

    def _begin(self) -> Iterator[None]:
        """Compare the stream with what is known of it from an earlier run."""
        while True:
            if self._link.get() is None:
                yield None
                continue
            try:
                newest, holds = yield from patiently(lambda: self._link.call(self._state))
                break
            except Lost as error:
                self._link.lost(error)
        if self._last is None:
            self._last = newest if self._url.options["from"] == "latest" else "0-0"
            self._passed = self._last
        elif _order(newest) < _order(self._last):
            what = f"ends at {newest}, but {self._last} had been read from it before"
            remedy = "Is it the same stream? Start afresh without --resume"
            raise DataError(what, source=self.name, remedy=remedy)
        elif not holds:
            what = f"the entry read last ({self._last}) is no longer there"
            self.note(f"{self.name}: {what}; some behind it may have been deleted unread")

    def _state(self, client: Any) -> tuple[str, bool]:
        """Return the newest identity, and whether the entry read last is still there."""
        if not client.exists(self._url.path):
            return "0-0", False
        newest = client.xinfo_stream(self._url.path)["last-generated-id"].decode()
        holds = self._last in (None, "0-0") or bool(
            client.xrange(self._url.path, self._last, self._last)
        )
        return newest, holds

    def _read(self, client: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
        block = int(TURN * 1000)
        answer = client.xread({self._url.path: self._last}, count=COUNT, block=block)
        return answer[0][1] if answer else []

    def _row(self, identity: str, fields: dict[bytes, bytes]) -> Item:
        place = f"entry {identity}"
        if fields.keys() == {JSON_FIELD}:
            return row_of(fields[JSON_FIELD], self.name, self._number, identity, place=place)
        names = tuple(name.decode(errors="backslashreplace") for name in fields)
        cells = [cell.decode(errors="backslashreplace") for cell in fields.values()]
        return Row(self._number, names, cells, identity)

    def _set_group(self, client: Any) -> None:
        stream, group = self._url.path, self._url.options["group"]
        if not any(known["name"].decode() == group for known in client.xinfo_groups(stream)):
            client.xgroup_create(stream, group, self._passed)
        client.xgroup_setid(stream, group, self._passed)


def _order(identity: str) -> tuple[int, ...]:
    """Return the two numbers of an identity, which are not in order as text."""
    return tuple(int(part) for part in identity.split("-"))
