"""Standard error: remarks, and one line of progress if a person is looking."""

import time
from collections.abc import Callable
from typing import TextIO

#: Seconds between two updates of the progress line.
PAUSE = 0.1


class Console:
    """Messages for people, apart from the data on standard output.

    Parameters
    ----------
    stream
        Where to write.
    quiet
        Whether to say nothing at all.
    """

    def __init__(self, stream: TextIO, quiet: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._alive = not quiet and stream.isatty()
        self._shown_at = -PAUSE
        self._width = 0
        #: Who takes the remarks while the terminal shows something else.
        self.elsewhere: Callable[[str], None] | None = None

    def note(self, text: str) -> None:
        """Write a remark on a line of its own."""
        self.clear()
        if self.elsewhere is not None:
            self.elsewhere(text)
        elif not self._quiet:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def progress(self, text: str | Callable[[], str]) -> None:
        """Show a text in place of the last one, unless that was only just written.

        Parameters
        ----------
        text
            The text, or what makes it: that is only called if it is shown.
        """
        now = time.monotonic()
        if self._alive and self.elsewhere is None and now - self._shown_at >= PAUSE:
            self._shown_at = now
            self._draw(text if isinstance(text, str) else text())

    def clear(self) -> None:
        """Remove the progress line."""
        if self._width:
            self._draw("")

    def _draw(self, text: str) -> None:
        # Padding instead of an escape sequence: it works in every terminal.
        self._stream.write(f"\r{text.ljust(self._width)}" + ("" if text else "\r"))
        self._stream.flush()
        self._width = len(text)
