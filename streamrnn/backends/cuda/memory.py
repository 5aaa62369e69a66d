"""Memory of the device, and of the host where the device can reach it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from streamrnn.backends.cuda.failures import translated

#: Bytes of a page: few allocations, and little of the device that is taken and not used.
_PAGE_BYTES = 1 << 28


def allocate(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an array of the device, of any contents.

    Raises
    ------
    DeviceError
        If there is not so much memory.
    """
    from numba import cuda

    with translated("taking memory of the device", _n_bytes(shape, dtype)):
        return cuda.device_array(shape, dtype)


def allocate_pinned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of the host that is copied from and to the device while others work.

    Raises
    ------
    DeviceError
        If there is not so much memory.
    """
    from numba import cuda

    with translated("taking memory of the host for copies", _n_bytes(shape, dtype)):
        pinned: np.ndarray = cuda.pinned_array(shape, dtype)
        return pinned


def allocate_zeros(n: int, dtype: Any) -> Any:
    """Return a vector of zeros of the device."""
    from numba.cuda.cudadrv.driver import device_memset

    array = allocate((max(n, 1),), dtype)
    with translated("clearing memory of the device"):
        device_memset(array, 0, _n_bytes(array.shape, dtype))
    return array


def _n_bytes(shape: tuple[int, ...], dtype: Any) -> int:
    return math.prod(shape) * np.dtype(dtype).itemsize


def address(array: Any) -> int:
    """Return where an array of the device begins."""
    from streamrnn.backends.cuda.device import is_simulated

    # In the simulator they are arrays of NumPy in another coat.
    told = array.__array_interface__ if is_simulated() else array.__cuda_array_interface__
    return int(told["data"][0])


class DevicePages:
    """Rows on the device, as `streamrnn.pages.Pages` has them in the host's memory.

    Row i here is row i there; both are of the same length, and neither moves.

    Parameters
    ----------
    columns
        Numbers in a row.
    dtype
        Their type.
    """

    def __init__(self, columns: int, dtype: Any) -> None:
        self.columns = columns
        self.dtype = np.dtype(dtype)
        self._stride = columns * self.dtype.itemsize
        # In one, since an interrupt may come between two: pages, the first row of each, where that
        # is, and how many rows there are.
        self._extent: tuple[list[Any], np.ndarray, np.ndarray, int]
        self._extent = [], np.zeros(0, np.int64), np.zeros(0, np.int64), 0

    def reach(self, n: int) -> None:
        """Make room for `n` rows in all; what is in new ones is not said.

        Raises
        ------
        DeviceError
            If there is not so much memory; rows that there were stay.
        """
        most = max(1, _PAGE_BYTES // self._stride)
        while (there := self._extent[-1]) < n:
            pages, firsts, starts, _ = self._extent
            # As many again as there are, so that pages stay few.
            rows = min(max(n - there, there), most)
            page = allocate((rows, self.columns), self.dtype)
            firsts, starts = np.append(firsts, there), np.append(starts, address(page))
            self._extent = [*pages, page], firsts, starts, there + rows

    def addresses(self, rows: np.ndarray) -> np.ndarray:
        """Return where rows begin on the device, int64, one for each."""
        _, firsts, starts, _ = self._extent
        page = np.searchsorted(firsts, rows, side="right") - 1
        return starts[page] + (rows - firsts[page]) * self._stride

    def upload(self, rows: np.ndarray, source: np.ndarray) -> None:
        """Copy to rows, ascending, from an array of the host, (n, columns)."""
        with translated("copying to the device"):
            for part, here in self._runs(rows):
                here.copy_to_device(source[part])

    def download(self, rows: np.ndarray, target: np.ndarray) -> None:
        """Copy rows, ascending, to an array of the host, (n, columns)."""
        with translated("copying from the device"):
            for part, here in self._runs(rows):
                here.copy_to_host(target[part])

    def _runs(self, rows: np.ndarray) -> Iterator[tuple[slice, Any]]:
        """Go through rows that lie one behind the other, with their places in `rows`."""
        pages, firsts, _, _ = self._extent
        page = np.searchsorted(firsts, rows, side="right") - 1
        ends = np.flatnonzero((np.diff(rows) != 1) | (np.diff(page) != 0)) + 1
        cuts = [0, *ends.tolist(), len(rows)]
        for start, stop in pairwise(cuts):
            first = int(rows[start] - firsts[page[start]])
            yield slice(start, stop), pages[page[start]][first : first + stop - start]
