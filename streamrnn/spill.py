"""Models set aside on disk: the numbers of those that are not needed now, to be fetched back later.

A model is its two flat arrays (see `streamrnn.layout`). Records of about one size share a file, so
that a hundred thousand models are a handful of files, and a record that is freed is used again.

The files have no name where the system allows it, and are deleted when closed where it does not:
whatever ends the process, nothing stays behind, and two processes never share a file. The price is
that they outlive no process: whoever wants to keep the models takes them out first.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import os
import secrets
import tempfile
import threading
import weakref
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from streamrnn.views import aligned_zeros


class Ticket(NamedTuple):
    """What `Spill.put` returns and `Spill.get` takes: three integers, some 150 bytes."""

    form: int  # which lengths and precisions the two arrays have
    record: int  # which record of its file
    serial: int  # which use of that record


class _Form(NamedTuple):
    """Lengths and precisions of the two arrays of a model."""

    arena: tuple[int, str]
    statistics: tuple[int, str]


class _File:
    """A file of records of one size, and which of them are in use."""

    def __init__(self, folder: str, record_size: int) -> None:
        # Unbuffered: a write that the disk refuses is to fail here, not in some later one.
        self.raw = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115
        self.record_size = record_size
        self.serials = array("Q")  # of each record, 0 for a free one
        self.checksums = array("I")
        self.free: list[int] = []  # a heap: low records first, which keeps the file short
        self.used = 0

    def reserve(self) -> int:
        """Take a free record, or a new one at the end."""
        self.used += 1
        if self.free:
            return heapq.heappop(self.free)
        self.serials.append(0)
        self.checksums.append(0)
        return len(self.serials) - 1

    def release(self, record: int) -> None:
        """Make a record free again; an empty file gives its space back."""
        self.used -= 1
        self.serials[record] = 0
        heapq.heappush(self.free, record)
        if not self.used:
            del self.serials[:], self.checksums[:], self.free[:]
            with contextlib.suppress(OSError):  # only space is lost
                self.raw.truncate(0)

    def write(self, record: int, pieces: list[memoryview]) -> None:
        """Write the pieces of a record, all of them or OSError."""
        self.raw.seek(record * self.record_size)
        for piece in pieces:
            while len(piece):
                written = self.raw.write(piece)
                if not written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                piece = piece[written:]

    def read(self, record: int, pieces: list[memoryview]) -> bool:
        """Fill the pieces from a record; say whether there was enough to fill them."""
        self.raw.seek(record * self.record_size)
        for piece in pieces:
            while len(piece):
                count = self.raw.readinto(piece)
                if not count:
                    return False
                piece = piece[count:]
        return True


class Spill:
    """Models set aside on disk, in files of equal records.

    Any thread may use it; after a fork, only the process that made it.

    Parameters
    ----------
    folder
        Where the files lie; it is made if need be, and may be shared. None takes the system's
        folder for temporary files, which suits tests and small numbers; note that on some systems
        it is in memory.

    Raises
    ------
    OSError
        If the folder cannot be made.

    Examples
    --------
    >>> import numpy as np
    >>> spill = Spill()
    >>> ticket = spill.put(np.ones(1000, np.float32), np.arange(3.0))
    >>> arena, statistics = spill.get(ticket)
    >>> float(arena.sum()), statistics.tolist(), len(spill)
    (1000.0, [0.0, 1.0, 2.0], 1)
    >>> spill.free(ticket)
    >>> len(spill), spill.nbytes
    (0, 0)
    >>> spill.close()
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = Path(tempfile.gettempdir() if folder is None else folder).absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._forms: dict[_Form, int] = {}
        self._form_of: list[tuple[_Form, _File]] = []
        self._files: dict[int, _File] = {}  # by size of record
        self._last_serial = secrets.randbits(62)  # so that tickets of another Spill are told
        self._closing = weakref.finalize(self, _close, self._files)

    def put(self, arena: np.ndarray, statistics: np.ndarray) -> Ticket:
        """Write a model's two arrays to the disk, wholly or not at all.

        Parameters
        ----------
        arena, statistics
            Arrays of one dimension, float32 or float64, contiguous; they are only read.

        Returns
        -------
        Ticket
            What `get` and `free` want to see.

        Raises
        ------
        OSError
            If the disk does not take it, as when it is full; nothing is kept of it then, and all
            earlier records stay as they are.
        TypeError
            If an array is of another kind.
        """
        form = _Form(_described("arena", arena), _described("statistics", statistics))
        pieces = [_bytes(arena), _bytes(statistics)]
        checksum = _checksum(pieces)
        with self._exclusive():
            index = self._index(form)
            file = self._form_of[index][1]
            record = file.reserve()
            try:
                file.write(record, pieces)
            except BaseException as error:
                file.release(record)
                if isinstance(error, OSError):
                    self._refuse(error, f"{_place(file, record)} cannot be written")
                raise
            self._last_serial += 1
            file.serials[record] = self._last_serial
            file.checksums[record] = checksum
            return Ticket(index, record, self._last_serial)

    def get(
        self, ticket: Ticket, out: tuple[np.ndarray, np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read a model's two arrays, bit for bit as they were; the record stays.

        Parameters
        ----------
        ticket
            What `put` returned.
        out
            Arena and statistics to be filled, of the same lengths and precisions. None, the
            default, makes new ones, from a 64-byte boundary on.

        Returns
        -------
        arena, statistics : numpy.ndarray
            The arrays in `out`, or the new ones.

        Raises
        ------
        OSError
            If the file cannot be read, or does not hold what was written to it. What is in `out`
            is of no use then.
        KeyError
            If the ticket was freed, or is from elsewhere.
        ValueError
            If `out` does not fit.
        """
        with self._exclusive():
            form, file = self._found(ticket)
            arrays = out or (aligned_zeros(*form.arena), aligned_zeros(*form.statistics))
            given = _Form(*map(_described, _Form._fields, arrays))
            if given != form:
                raise ValueError(f"a record of {form} cannot fill arrays of {given}")
            pieces = [_bytes(piece) for piece in arrays]
            expected = file.checksums[ticket.record]
            whole = file.read(ticket.record, pieces)
        if not whole or _checksum(pieces) != expected:
            what = "has other bytes than were written" if whole else "ends too early"
            said = f"{_place(file, ticket.record)} {what}: the model is lost"
            raise OSError(errno.EIO, said, str(self._folder))
        return arrays

    def free(self, ticket: Ticket) -> None:
        """Give up a record; its place is used again. KeyError if that was done before."""
        with self._exclusive():
            self._found(ticket)[1].release(ticket.record)

    def __len__(self) -> int:
        return sum(file.used for file in list(self._files.values()))

    @property
    def nbytes(self) -> int:
        """Bytes of all files, free records included."""
        with self._exclusive():
            return sum(os.fstat(file.raw.fileno()).st_size for file in self._files.values())

    def close(self) -> None:
        """Delete the files, and all models in them; also done when the object goes away."""
        # After a fork the lock may be a copy that nobody will release.
        with self._lock if os.getpid() == self._owner else contextlib.nullcontext():
            self._closing()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Spill cannot be pickled or copied: its files belong to one object in one process; "
            "take the models out and save those"
        )

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the lock while the files are in use, so that they cannot be closed meanwhile."""
        if os.getpid() != self._owner:
            raise RuntimeError(
                f"this Spill belongs to process {self._owner}, which goes on writing to its files; "
                "a process forked from it needs one of its own"
            )
        with self._lock:
            if not self._closing.alive:
                raise ValueError("the Spill is closed")
            yield

    def _index(self, form: _Form) -> int:
        """Return the number of a form, and see that it has a file."""
        index = self._forms.get(form)
        if index is None:
            size = _record_size(sum(n * np.dtype(kind).itemsize for n, kind in form))
            if size not in self._files:
                try:
                    self._files[size] = _File(str(self._folder), size)
                except OSError as error:
                    self._refuse(error, f"no file of {size}-byte records can be made")
            index = self._forms[form] = len(self._form_of)
            self._form_of.append((form, self._files[size]))
        return index

    def _found(self, ticket: Ticket) -> tuple[_Form, _File]:
        index, record, serial = ticket
        if 0 <= index < len(self._form_of):
            form, file = self._form_of[index]
            if 0 <= record < len(file.serials) and file.serials[record] == serial > 0:
                return form, file
        raise KeyError(f"{ticket} was freed, or is from elsewhere")

    def _refuse(self, error: OSError, what: str) -> NoReturn:
        said = f"{error.strerror or error}: {what}, the model stays in memory"
        raise OSError(error.errno or errno.EIO, said, str(self._folder)) from error


def _place(file: _File, record: int) -> str:
    return f"record {record} of the file of {file.record_size}-byte records"


def _close(files: dict[int, _File]) -> None:
    for file in files.values():
        file.raw.close()
    files.clear()


def _record_size(n_bytes: int) -> int:
    """Round up by an eighth at most: sizes that differ a little share a file and its free records.

    >>> _record_size(1), _record_size(100_000), _record_size(106_497)
    (64, 106496, 114688)
    """
    step = max(64, 1 << max(n_bytes.bit_length() - 4, 0))
    return -(-max(n_bytes, 1) // step) * step


def _described(name: str, numbers: np.ndarray) -> tuple[int, str]:
    """Return length and precision of an array of the right kind."""
    if not isinstance(numbers, np.ndarray):
        raise TypeError(f"{name} must be an array, got {type(numbers).__name__}")
    kind = numbers.dtype.name if numbers.dtype.isnative else ""
    if kind not in ("float32", "float64") or numbers.ndim != 1 or not numbers.flags.c_contiguous:
        raise TypeError(
            f"{name} must be contiguous, of one dimension and float32 or float64, got shape "
            f"{numbers.shape}, strides {numbers.strides}, {numbers.dtype}"
        )
    return len(numbers), kind


def _bytes(numbers: np.ndarray) -> memoryview:
    return numbers.view(np.uint8).data


def _checksum(pieces: list[memoryview]) -> int:
    arena, statistics = pieces
    return zlib.crc32(statistics, zlib.crc32(arena))
