"""Which key's model is where: in a slot of the bank, on disk, or nowhere yet."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from streamrnn.bank import FRESH, GUEST, Bank
from streamrnn.layout import Sizes
from streamrnn.spill import Spill, Ticket


class Roster:
    """The keys of a bank, least recently used first.

    Parameters
    ----------
    bank
        The models.
    max_resident
        Models in memory at most; the least recently used go to disk. None for no limit.
    folder
        Where those lie that went to disk; None for the system's folder of temporary files.
    """

    def __init__(
        self, bank: Bank, max_resident: int | None, folder: str | os.PathLike[str] | None
    ) -> None:
        self.bank = bank
        self.max_resident = max_resident
        self.folder = folder
        self.resident: OrderedDict[Hashable, int] = OrderedDict()  # key: slot
        self.spilled: OrderedDict[Hashable, tuple[Ticket, Sizes]] = OrderedDict()
        self._spill: Spill | None = None

    def __len__(self) -> int:
        return len(self.resident) + len(self.spilled)

    def __contains__(self, key: Hashable) -> bool:
        return key in self.resident or key in self.spilled

    def __iter__(self) -> Iterator[Hashable]:
        yield from self.spilled
        yield from self.resident

    def look(self, key: Hashable) -> int:
        """Return a slot to predict from; who is in memory stays as it is.

        A key that was never learnt from is answered by a new model, one on disk by a copy.
        """
        slot = self.resident.get(key)
        if slot is not None:
            return slot
        if key not in self.spilled:
            return FRESH
        self._fetch(key, GUEST)
        return GUEST

    def seat(self, keys: Sequence[Hashable]) -> list[int]:
        """Return slots to learn in: make the keys resident and the most recently used ones.

        Parameters
        ----------
        keys
            Distinct, at most `max_resident`.

        Raises
        ------
        OSError
            If a model cannot be written to disk or read from it; no model is lost by the former.
        """
        for key in keys:
            self.touch(key)
        absent = [key for key in keys if key not in self.resident]
        if self.max_resident is not None:
            self._evict(len(self.resident) + len(absent) - self.max_resident)
        for key in absent:
            self.resident[key] = self._bring(key)
        for key in keys:  # in the order given, those that were absent among them
            self.touch(key)
        return [self.resident[key] for key in keys]

    def touch(self, key: Hashable) -> None:
        """Make a key the most recently used one, if it is in memory."""
        if key in self.resident:
            self.resident.move_to_end(key)

    def forget(self, key: Hashable) -> None:
        """Drop a key's model; a key without one is no error."""
        slot = self.resident.pop(key, None)
        if slot is not None:
            self.bank.release(slot)
        elif key in self.spilled:
            ticket, _ = self.spilled.pop(key)
            self._disk.free(ticket)

    def _bring(self, key: Hashable) -> int:
        """Return the slot of a key's model, new or from disk."""
        slot = self.bank.take()
        if key in self.spilled:
            try:
                self._fetch(key, slot)
            except BaseException:
                self.bank.release(slot)
                raise
            ticket, _ = self.spilled.pop(key)
            self._disk.free(ticket)
        return slot

    def _fetch(self, key: Hashable, slot: int) -> None:
        ticket, sizes = self.spilled[key]
        self.bank.restore(slot, sizes, *self._disk.get(ticket))

    def _evict(self, n: int) -> None:
        """Take the `n` least recently used models to disk."""
        for _ in range(n):
            key, slot = next(iter(self.resident.items()))
            self.spilled[key] = self._disk.put(*self.bank.contents(slot)), self.bank.sizes
            del self.resident[key]  # only now: what the disk refuses stays in memory
            self.bank.release(slot)

    @property
    def _disk(self) -> Spill:
        if self._spill is None:
            self._spill = Spill(self.folder)
        return self._spill

    def packed(self) -> dict[str, Any]:
        """Return who is where, with the contents of the models on disk."""
        spilled = [
            (key, [np.array(part) for part in self._disk.get(ticket)], sizes)
            for key, (ticket, sizes) in self.spilled.items()
        ]
        return {"resident": list(self.resident.items()), "spilled": spilled}

    def unpack(self, packed: dict[str, Any]) -> None:
        """Take over what `packed` returned of the roster of an equal bank."""
        self.resident = OrderedDict(packed["resident"])
        for key, contents, sizes in packed["spilled"]:
            self.spilled[key] = self._disk.put(*contents), sizes
