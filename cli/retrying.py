"""Connections that are made anew when they are lost, with growing pauses, and without blocking."""

import random
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Generic, TypeVar

from .errors import DataError

Made = TypeVar("Made")

#: Seconds until the first new attempt; doubled after each that fails, up to the longest.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0

#: A connection that lasted less than that many seconds has not ended the growing of the pauses.
LASTING = 10.0

#: Seconds that one call here waits at most, so that others get their turn.
TURN = 0.2

#: Seconds until an attempt to connect is given up.
CONNECT_TIMEOUT = 5.0


def seconds_said(seconds: float) -> str:
    """Write a time for people.

    Examples
    --------
    >>> seconds_said(0.44), seconds_said(12.3), seconds_said(4000)
    ('0.4 s', '12 s', '67 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def said(reason: object) -> str:
    """Write an exception or another reason on one line."""
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return " ".join(str(reason).split()) or type(reason).__name__


class Lost(Exception):  # noqa: N818
    """The connection is gone, or was never made; another attempt may help."""


class Outage:
    """What is said while a server cannot be reached, and when the next attempt is due.

    Parameters
    ----------
    name
        The server, for the remarks.
    note
        Takes the remarks: one when the connection is lost, one when it is back.

    Attributes
    ----------
    reconnects : int
        How often a lost connection has come back.
    reason : str
        Why it was lost the last time.
    """

    def __init__(self, name: str, note: Callable[[str], None]) -> None:
        self._name = name
        self._note = note
        self._since: float | None = None
        self._back_at: float | None = None
        self._pause = FIRST_PAUSE
        self._due = 0.0
        self.reconnects = 0
        self.reason = ""

    @property
    def lasts(self) -> bool:
        """Whether the server cannot be reached, as far as is known."""
        return self._since is not None

    @property
    def due(self) -> bool:
        """Whether it is time for the next attempt."""
        return time.monotonic() >= self._due

    def lost(self, reason: object) -> None:
        """Take note that the connection was lost, or that an attempt failed."""
        now = time.monotonic()
        self.reason = said(reason)
        if self._since is None:
            self._since = now
            if self._back_at is not None and now - self._back_at > LASTING:
                self._pause = FIRST_PAUSE
            new = self._back_at is None
            start = f"no connection to {self._name}" if new else f"connection to {self._name} lost"
            self._note(f"{start} ({self.reason}); trying again")
        # Many clients that lost the same server must not come back in step.
        self._due = now + self._pause * random.uniform(0.75, 1.25)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def back(self) -> None:
        """Take note that there is a connection."""
        now = time.monotonic()
        if self._since is not None:
            again = self._back_at is not None
            start = f"connection to {self._name} back" if again else f"connected to {self._name}"
            self._note(f"{start} after {seconds_said(now - self._since)}")
            self.reconnects += again
            self._since = None
            self._back_at = now
        elif self._back_at is None:
            self._back_at = now

    def wait(self) -> bool:
        """Wait for a turn at most; return whether the next attempt is due."""
        left = self._due - time.monotonic()
        time.sleep(max(0.0, min(left, TURN)))
        return left <= TURN


class Background(Generic[Made]):
    """A call that may take long, made in a thread of its own.

    Parameters
    ----------
    call
        What to call, without arguments.
    """

    def __init__(self, call: Callable[[], Made]) -> None:
        self._future: Future[Made] = Future()
        self._call = call
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._future.set_result(self._call())
        except BaseException as error:
            self._future.set_exception(error)

    def done(self, seconds: float = TURN) -> bool:
        """Wait, and return whether the call has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> Made:
        """Return what the call returned, or raise what it raised."""
        return self._future.result()


def patiently(call: Callable[[], Made]) -> Generator[None, None, Made]:
    """Make a call that may take long; give None now and then until it has ended."""
    background = Background(call)
    try:
        while not background.done():
            yield None
    finally:
        # Only if the caller gives up; the calls have time limits of their own.
        background.done(CONNECT_TIMEOUT + 1)
    return background.result()


class Link(Generic[Made]):
    """A connection, made when it is first asked for and again whenever it has been lost.

    Parameters
    ----------
    name
        The server, for messages.
    connect
        Makes the connection, within `CONNECT_TIMEOUT`; raises `Lost` or `OSError` if trying again
        may help.
    close
        Ends one.
    note
        Takes remarks.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Made],
        close: Callable[[Made], object],
        note: Callable[[str], None],
    ) -> None:
        self._name = name
        self._connect = connect
        self._close = close
        self._attempt: Background[Made] | None = None
        self._made: Made | None = None
        self.outage = Outage(name, note)

    def get(self) -> Made | None:
        """Return the connection; None, after a turn, if there is none just now."""
        if self._made is None:
            if self._attempt is None:
                if not self.outage.wait():
                    return None
                self._attempt = Background(self._connect)
            if not self._attempt.done():
                return None
            attempt, self._attempt = self._attempt, None
            try:
                self._made = attempt.result()
            except (Lost, OSError) as error:
                self.outage.lost(error)
                return None
            self.outage.back()
        return self._made

    @property
    def made(self) -> Made | None:
        """The connection, if there is one; without trying to make it."""
        return self._made

    def within(self, deadline: float) -> Made:
        """Return the connection, waiting for it until a moment of `time.monotonic`.

        Raises
        ------
        DataError
            If there is none by then.
        """
        while True:
            made = self.get()
            if made is not None:
                return made
            if time.monotonic() > deadline:
                what = f"cannot be reached ({self.outage.reason or 'no answer'})"
                raise DataError(what, source=self._name, remedy="Is the server running?")

    def lost(self, reason: object) -> None:
        """Give the connection up; the next `get` makes another."""
        self._drop()
        self.outage.lost(reason)

    def close(self) -> None:
        """End the connection, and an attempt to make one."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None and attempt.done(CONNECT_TIMEOUT + 1):
            # Why an attempt failed that nobody needs any more is of no interest.
            with suppress(Exception):
                self._made = attempt.result()
        self._drop()

    def _drop(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            self._close(made)
