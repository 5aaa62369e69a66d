"""Ctrl-C and SIGTERM as a wish: what is being done is finished first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Impatience(KeyboardInterrupt):
    """Somebody who has asked to stop does not want to wait."""


class Stop:
    """Notes the wish to stop; whoever works looks at it between two pieces of work.

    Attributes
    ----------
    signal : int or None
        The first signal that came.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    @property
    def exit_code(self) -> int:
        """What shells expect of a process that ended by the signal."""
        return 0 if self.signal is None else 128 + self.signal

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take note of signals within the block; a second one is obeyed at once."""
        # What is to be ignored stays so: shells start jobs in the background deaf to Ctrl-C.
        before = {
            one: handler
            for one in (signal.SIGINT, signal.SIGTERM)
            if (handler := signal.getsignal(one)) is not signal.SIG_IGN
        }

        def note(number: int, frame: FrameType | None) -> None:
            if self.signal is not None:
                raise Impatience
            self.signal = number

        for one in before:
            signal.signal(one, note)
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
