"""The dashboard on a terminal, and lines of text where there is none."""

import atexit
import os
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TextIO

from ..extras import check
from .glyphs import short, visible

#: Seconds between two pictures at least...
PAUSE = 0.25
#: ... and they may take one part in so many of the time: slow terminals get fewer.
SHARE = 80
#: ... but never less than one in so many seconds: one slow picture does not speak for all.
LONGEST = 5.0
#: Seconds between two lines where there is no terminal.
PLAIN_PAUSE = 10.0
#: Seconds over which the speed is taken.
LATELY = 5.0

Snapshot = dict[str, Any]


class View(Protocol):
    """Shows a run while it goes on."""

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot, if it is time."""

    def offer(self, take: Callable[[], Snapshot]) -> None:
        """Take a snapshot and show it, if it is time; else cost next to nothing."""

    def note(self, text: str) -> None:
        """Show a remark."""

    def close(self) -> None:
        """Leave the terminal as it was. May be called again."""


def check_available() -> None:
    """Raise a usage error if the package of the extra ``view`` is missing."""
    check("rich", "rich", "view")


def view_for(stream: TextIO) -> "View":
    """Return a dashboard if a person is looking who can see one, else lines of text.

    Parameters
    ----------
    stream
        Where to: standard error, since standard output may hold data.
    """
    letters = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    able = stream.isatty() and letters.startswith("utf") and os.environ.get("TERM") != "dumb"
    return LiveView(stream) if able else PlainView(stream)


class _Closing(AbstractContextManager[Any]):
    """Closes at the end of a ``with`` block."""

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Leave the terminal as it was. May be called again."""


class LiveView(_Closing):
    """A dashboard on the terminal's second screen, which leaves the first as it was.

    Made at once; the first snapshot draws the first picture. The size of the terminal is asked anew
    each time. Colours obey ``NO_COLOR``; nothing is told by colour alone.

    Parameters
    ----------
    stream
        A terminal.

    Examples
    --------
    ::

        with LiveView(sys.stderr) as view:
            for block in blocks:
                monitor.played(...)
                view.offer(monitor.snapshot)
    """

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        # Here, since a picture that waits for its imports would be taken for a slow one.
        from .frame import frame

        self._frame = frame
        self._console = Console(file=stream, highlight=False, force_terminal=True)
        self._live: Live | None = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._stream = stream
        self._notes: list[str] = []
        self._due = 0.0
        self._seen: deque[tuple[float, int]] = deque()
        # Whatever ends the process in an orderly way ends here, also where nobody closes the view.
        atexit.register(self.close)
        self._live.start()

    def update(self, snapshot: Snapshot) -> None:
        """Show a snapshot, if it is time."""
        self.offer(lambda: snapshot)

    def offer(self, take: Callable[[], Snapshot]) -> None:
        """Take a snapshot and show it, if it is time; else cost next to nothing."""
        started = time.perf_counter()
        if started < self._due or self._live is None:
            return
        snapshot = take()
        note = self._notes[-1] if self._notes else ""
        size, speed = self._console.size, self._speed(snapshot["rows"])
        self._live.update(self._frame(snapshot, *size, speed, note), refresh=True)
        ended = time.perf_counter()
        self._due = max(started + PAUSE, ended + min(LONGEST, SHARE * (ended - started)))

    def note(self, text: str) -> None:
        """Show a remark in the last line; all are written again when the view is closed."""
        self._notes.append(visible(" ".join(text.split())))

    def close(self) -> None:
        """Leave the terminal as it was, and write the remarks. May be called again."""
        live, self._live = self._live, None
        if live is None:
            return
        atexit.unregister(self.close)
        live.stop()
        for text in self._notes:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def _speed(self, rows: int) -> float | None:
        """Return rows a second by the clock, over the last seconds."""
        now = time.perf_counter()
        self._seen.append((now, rows))
        while len(self._seen) > 2 and self._seen[1][0] < now - LATELY:
            self._seen.popleft()
        seconds = now - self._seen[0][0]
        return (rows - self._seen[0][1]) / seconds if seconds > 0 else None


class PlainView(_Closing):
    """A line of text now and then.

    Parameters
    ----------
    stream
        A file, a pipe, or a terminal that can do no more.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._due = time.perf_counter() + PLAIN_PAUSE

    def update(self, snapshot: Snapshot) -> None:
        """Write a line on a snapshot, if it is time."""
        self.offer(lambda: snapshot)

    def offer(self, take: Callable[[], Snapshot]) -> None:
        """Take a snapshot and write a line on it, if it is time."""
        now = time.perf_counter()
        if now >= self._due:
            self._due = now + PLAIN_PAUSE
            self.note(as_line(take()))

    def note(self, text: str) -> None:
        """Write a remark."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Do nothing: there is nothing to clear."""


def as_line(snapshot: Snapshot) -> str:
    """Say in one line how a run goes.

    Examples
    --------
    >>> from streamrnn_cli.monitor import Monitor
    >>> monitor = Monitor("regression", ["lstm"])
    >>> monitor.played([1, 2], None, [3.0, 5.0], [[2.5, 4.0]], seconds=2e-4)
    >>> as_line(monitor.snapshot())
    '2 rows, p50 100 µs, p99 100 µs, mean absolute error 1'
    """
    latency, errors = snapshot["latency"], snapshot["errors"]
    error = errors["overall"][snapshot["names"][0]]
    parts = [
        f"{snapshot['rows']:,} rows",
        f"p50 {short(latency['p50'])} µs",
        f"p99 {short(latency['p99'])} µs",
        f"{errors['measure']} {short(error)}",
    ]
    return ", ".join(parts)
