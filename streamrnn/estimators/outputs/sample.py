"""The next sample, feature by feature: what a model of the stream itself predicts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from streamrnn.estimators.features import FeatureIndex, feature
from streamrnn.estimators.outputs.numbers import Numbers


class Sample(Numbers):
    """An output a feature; samples are read as those that are inputs of other estimators are."""

    word, limit_name = "feature", "max_features"

    def __init__(self, limit: int | None = None) -> None:
        super().__init__(limit)
        self._index = FeatureIndex(limit=limit)

    def add(self, names: Sequence[Hashable]) -> None:
        """Give new features the next outputs."""
        super().add(names)
        self._index.add(names)

    def number(self, name: Hashable, value: Any) -> float:
        """Return the value as a float."""
        return feature(name, value)

    def unseen(self, y: Mapping[Hashable, Any]) -> list[Hashable]:
        """Return the features of a sample that `put` took and that are to get an output."""
        new = self._index.unseen(y)
        for name in new:
            self.number(name, y[name])
        return new

    def put(self, y: Mapping[Hashable, Any], goal: Any) -> None:
        """Write a sample, NaN where a feature is missing; those without an output are passed over.

        Raises
        ------
        TypeError
            If it is no dict, or a feature is no number.
        """
        self._index.fill(y, goal)
