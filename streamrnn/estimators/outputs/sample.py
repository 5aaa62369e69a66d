"""The next sample, feature by feature: what a model of the stream itself predicts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from streamrnn.estimators.features import FeatureIndex, feature
from streamrnn.estimators.outputs.numbers import Numbers


class Sample(Numbers):
    """An output a feature; samples are read as those that are inputs of other estimators are."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__(limit, "feature", "max_features")
        self._index = FeatureIndex(limit=limit)
        self.limit = self._index.limit  # one, which remembers whether it has warned

    def add(self, names: Sequence[Hashable]) -> None:
        """Give new features the next outputs."""
        super().add(names)
        self._index.add(names)

    def number(self, name: Hashable, value: Any) -> float:
        """Return the value as a float."""
        return feature(name, value)

    def put(self, y: Mapping[Hashable, Any], goal: Any) -> bool:
        """Write a sample, NaN where a feature is missing; say whether none is to get an output.

        Raises
        ------
        TypeError
            If it is no dict, or a feature is no number.
        """
        return self._index.fill(y, goal)
