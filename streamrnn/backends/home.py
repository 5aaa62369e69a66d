"""Where the models of a bank are: all in the host's memory, unless something else is said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


class Home:
    """The host's rows are those that count: nothing is to be done before they are touched."""

    name = "cpu"
    driver: Any = None

    def hand_over(self, slot: int) -> None:
        """Let the host read and write the row of a slot."""

    def fetch(self, slots: Iterable[int] | None = None) -> None:
        """Let the host read the rows of some slots, or of all."""

    def forget(self, slot: int) -> None:
        """Let the host write the whole row of a slot."""

    def share(self) -> None:
        """Let the host read and write what all models have in common, if they have anything."""

    def leave(self) -> None:
        """Have all models in the host's memory, and nowhere else."""

    def run(
        self,
        bank: Any,
        slots: np.ndarray,
        bounds: np.ndarray,
        X: np.ndarray,
        Y: np.ndarray,
        out: np.ndarray,
        task: int,
    ) -> bool:
        """Do as `Bank.run_groups` does, if that is not the host's task; say whether it was done."""
        return False


#: For all banks: it knows nothing.
HOME = Home()
