"""What travels with one launch: numbers in one vector to the device, and predictions back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streamrnn.backends.cuda.cutting import Piece
from streamrnn.backends.cuda.launching import Stopwatch
from streamrnn.backends.cuda.memory import address, allocate, allocate_pinned


class Streams(NamedTuple):
    """Queues of the device: copies to it, kernels, copies from it."""

    towards: Any
    work: Any
    back: Any


def new_streams() -> Streams:
    """Return streams that do not wait for each other."""
    from numba import cuda

    return Streams(cuda.stream(), cuda.stream(), cuda.stream())


class Parcel:
    """Room for the numbers of one launch, here and on the device.

    There are two of these: one is filled while the device works at the other.
    """

    def __init__(self) -> None:
        from numba import cuda

        #: What is under way.
        self.piece: Piece | None = None
        self.watch = Stopwatch()
        self._there, self._done, self._back = cuda.event(), cuda.event(), cuda.event()
        self._sent = self._answer = np.zeros(0)  # of the host
        self._received: Any = None  # of the device
        self._answered: Any = None
        self._end = 0

    def reserve(self, n_sent: int, n_answered: int) -> None:
        """Have room for so many numbers of 8 bytes to the device, and back.

        Raises
        ------
        DeviceError
            If there is not so much memory.
        """
        if len(self._sent) < n_sent:
            self._sent, self._received = _pair(n_sent)
        if len(self._answer) < n_answered:
            self._answer, self._answered = _pair(n_answered)

    # --- to the device

    def begin(self, n: int) -> None:
        """Begin to fill it, but for `n` numbers that come first and last of all."""
        self._end = n

    def room(self, n: int) -> tuple[np.ndarray, int]:
        """Return room for the next `n` numbers, and where the device will have them."""
        start, self._end = self._end, self._end + n
        return self._sent[start : self._end], address(self._received) + 8 * start

    def put(self, numbers: np.ndarray) -> int:
        """Add numbers of 8 bytes; return where the device will have them."""
        room, where = self.room(numbers.size)
        room.view(numbers.dtype)[:] = numbers.ravel()
        return where

    def put_rows(self, rows: np.ndarray, of: np.ndarray) -> int:
        """Add some rows of a matrix of float64; return where the device will have them."""
        room, where = self.room(len(rows) * of.shape[1])
        # No row is out of bounds; in the usual mode NumPy would check by a copy.
        np.take(of, rows, axis=0, out=room.reshape(len(rows), of.shape[1]), mode="clip")
        return where

    @property
    def answered_at(self) -> int:
        """Where the device will put its answer."""
        return address(self._answered)

    def send(self, words: np.ndarray, streams: Streams) -> Any:
        """Begin to copy it to the device, `words` first; return them as the device has them."""
        self._sent[: len(words)].view(np.int64)[:] = words
        sent = self._received[: self._end]
        sent.copy_to_device(self._sent[: self._end], stream=streams.towards)
        self._there.record(streams.towards)
        self._there.wait(streams.work)
        return self._received[: len(words)].view(np.int64)

    # --- and back

    def expect(self, n: int, streams: Streams) -> None:
        """Let `n` numbers of the answer be copied back once the device is done."""
        self._done.record(streams.work)
        self._done.wait(streams.back)
        if n:  # there is none of a model that has no outputs yet
            self._answered[:n].copy_to_host(self._answer[:n], stream=streams.back)
        self._back.record(streams.back)

    def answer(self, n: int) -> np.ndarray:
        """Return `n` numbers of the answer; wait until they are here."""
        self._back.synchronize()
        return self._answer[:n]


def _pair(n: int) -> tuple[np.ndarray, Any]:
    """Take memory of the host and of the device for at least so many numbers of 8 bytes."""
    # A power of two, so that blocks that grow by a row get no new memory each time.
    shape = (1 << max(8, (n - 1).bit_length()),)
    return allocate_pinned(shape, "float64"), allocate(shape, "float64")
