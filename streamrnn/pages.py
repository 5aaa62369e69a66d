"""Rows of one length that stay where they are while more are added."""

from __future__ import annotations

import numpy as np

from streamrnn.views import aligned_zeros

#: Bytes of a page. The system hands out the memory of zeros as it is touched, so a page that is
#: hardly used costs little.
_PAGE_BYTES = 1 << 22


class Pages:
    """Rows of numbers, each row at an address that never changes.

    One array that gets more rows would move them, and need twice its memory while it does.

    Parameters
    ----------
    columns
        Numbers in a row.
    dtype
        Their type.

    Examples
    --------
    >>> rows = Pages(3, "float32")
    >>> rows.reach(1000)
    >>> rows[999][:] = 1
    >>> rows[999]
    array([1., 1., 1.], dtype=float32)
    """

    def __init__(self, columns: int, dtype: str) -> None:
        self.columns = columns
        self.dtype = np.dtype(dtype)
        self._stride = columns * self.dtype.itemsize
        self._rows_a_page = max(1, _PAGE_BYTES // self._stride)
        self._pages: list[np.ndarray] = []
        self._starts: list[int] = []

    def __getitem__(self, i: int) -> np.ndarray:
        """View row `i`, (columns,)."""
        page, row = divmod(i, self._rows_a_page)
        return self._pages[page][row]

    def address(self, i: int) -> int:
        """Return where row `i` begins in memory."""
        page, row = divmod(i, self._rows_a_page)
        return self._starts[page] + row * self._stride

    def addresses(self, rows: np.ndarray) -> np.ndarray:
        """Return where rows begin in memory, int64, one for each."""
        page, row = np.divmod(rows, self._rows_a_page)
        return np.array(self._starts, np.int64)[page] + row * self._stride

    def reach(self, n: int) -> None:
        """Make room for `n` rows in all; new ones are zeros."""
        while len(self._pages) * self._rows_a_page < n:
            page = aligned_zeros(self._rows_a_page * self.columns, self.dtype)
            self._pages.append(page.reshape(self._rows_a_page, self.columns))
            self._starts.append(page.ctypes.data)
