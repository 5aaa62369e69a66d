"""Lines out of bytes that come in pieces: from a pipe, a connection after the other, a file."""

from collections import deque

from ..lines import LONGEST, endless

#: Bytes asked for at once.
CHUNK = 1 << 16


class LineBuffer:
    """Bytes go in, whole lines come out.

    A stream may consist of several pieces, such as connections. Each may begin with the header of
    the first one again (as CSV files do), which is left out.

    Parameters
    ----------
    name
        The source, for messages.

    Attributes
    ----------
    header : int
        The length of the repeated header in this piece, in bytes; 0 if it has none.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: deque[bytes] = deque()
        self._rest = bytearray()
        self._first: bytes | None = None
        self._begins = False
        self.header = 0

    def feed(self, chunk: bytes) -> None:
        """Take bytes.

        Raises
        ------
        DataError
            If a line gets too long.
        """
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._add(bytes(self._rest) + end + b"\n")
            self._rest.clear()
        self._rest += rest
        if len(self._rest) > LONGEST:
            raise endless(self._name)

    def take(self) -> bytes | None:
        """Return the next line, None if there is no complete one."""
        return self._lines.popleft() if self._lines else None

    def holds(self) -> bool:
        """Say whether there is a complete line."""
        return bool(self._lines)

    def finish(self) -> None:
        """Make a line of what came last without a line end."""
        if self._rest:
            self._add(bytes(self._rest))
            self._rest.clear()

    def begin(self) -> int:
        """Begin another piece; return how many bytes of an unfinished line are forgotten."""
        forgotten = len(self._rest)
        self._rest.clear()
        self._begins = True
        self.header = 0
        return forgotten

    def _add(self, line: bytes) -> None:
        if self._first is None:
            self._first = line
        elif self._begins and line == self._first and not line.lstrip().startswith((b"{", b"[")):
            self.header = len(line)
            self._begins = False
            return
        self._begins = False
        self._lines.append(line)
