"""A recurrent classifier for River."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from streamrnn.estimators.base import RecurrentEstimator, Runner
from streamrnn.estimators.blocks import check_hashable, distinct, length, sequence, weighted
from streamrnn.estimators.features import is_missing
from streamrnn.estimators.parameters import documented


@documented(
    '``"cross_entropy"``, ``"logistic"`` (two labels, one output)',
    example="CrossEntropy()",
    scale_target=False,
)
class RNNClassifier(RecurrentEstimator, base.Classifier):
    """Recurrent network that learns a label from each sample of a stream as it arrives.

    Labels may be of any hashable type, two or more, and new ones may come at any time.

    {parameters}

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> from streamrnn import RNNClassifier
    >>> model = RNNClassifier(hidden_size=16, truncation=16, lr=0.01)  # a short stream
    >>> metric = evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    >>> metric.get() > 0.85  # the most frequent label so far: 0.56
    True
    >>> model.labels
    [True, False]
    """

    _task = "classification"

    def __init__(
        self,
        cell: Any = "lstm",
        hidden_size: int = 32,
        num_layers: int = 1,
        truncation: int = 32,
        update_every: int = 1,
        loss_window: int = 1,
        activations: Any = "stored",
        optimizer: Any = "adam",
        lr: Any = None,
        clip_norm: float | None = 1.0,
        clip_value: float | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        weight_decay: float | None = None,
        loss: Any = "cross_entropy",
        head: Any = "linear",
        init: str = "default",
        scale_inputs: bool = True,
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._labels: dict[Hashable, int] = {}
        self._build(scale_target=False)

    @property
    def _multiclass(self) -> bool:
        return True

    @property
    def labels(self) -> list[Hashable]:
        """Labels seen so far, in the order of the outputs."""
        return list(self._labels)

    def _outputs_for(self, n_labels: int) -> int:
        return self._model.plugins.loss.n_outputs(n_labels)

    def predict_proba_one(self, x: Mapping[Hashable, Any], **kwargs: Any) -> dict[Any, float]:
        """Predict the probability of each label seen so far. Changes nothing.

        Parameters
        ----------
        x
            Features by name. New ones are ignored; missing, None and NaN ones count as their mean.

        Returns
        -------
        dict
            Probability by label, summing to 1; empty before the first label.

        Raises
        ------
        TypeError
            If a feature is no number.
        """
        with self._model.lock:
            return self._distribution(self._predict_row(x))

    def _distribution(self, out: np.ndarray) -> dict[Any, float]:
        probabilities = out[: len(self._labels)]
        total = probabilities.sum() if len(probabilities) else 1.0
        return dict(zip(self._labels, (probabilities / total).tolist(), strict=True))

    def learn_one(self, x: Mapping[Hashable, Any], y: Hashable | None) -> None:
        """Advance the hidden state by one step, then learn.

        Parameters
        ----------
        x
            Features by name. New ones get a column of small seeded weights.
        y
            Label. A new one gets an output. If it is None or NaN, the state advances and nothing is
            learnt from this sample.

        Raises
        ------
        TypeError
            If a feature is no number or the label is not hashable; nothing has changed then.
        ValueError
            If the loss cannot tell that many labels apart; nothing has changed then.
        """
        with self._model.lock:
            new = self._check_target(y)
            self._accept(x)
            if new:
                self._add_label(y)
                self._features.fill(x, self._model.row)
            self._learn_accepted(self._index(y))

    def _check_target(self, y: Hashable | None) -> bool:
        """Say whether a label is new; raise as `learn_one` does if it cannot be learnt."""
        new = _is_label(y) and y not in self._labels
        if new:
            self._outputs_for(len(self._labels) + 1)
        return new

    def _add_label(self, label: Hashable) -> None:
        n_outputs = self._outputs_for(len(self._labels) + 1)
        if n_outputs != self._model.sizes.n_outputs:
            self._model.grow(self._model.sizes.n_inputs, n_outputs)
        self._labels[label] = len(self._labels)

    def _index(self, label: Hashable | None) -> float:
        return float(self._labels[label]) if _is_label(label) else math.nan

    def replay(
        self, X: Any, y: Sequence[Hashable | None], features: Sequence[Hashable] | None = None
    ) -> np.ndarray:
        """Predict and learn from a block of samples in one compiled call.

        The same labels as ``predict_one`` and ``learn_one`` over the rows, and the same bits in the
        model, without the cost of calls.

        Parameters
        ----------
        X
            Array of shape (T, n), or a data frame; NaN is a missing value.
        y
            Labels, (T,); None and NaN are missing.
        features
            Names of the columns of an array, 0, 1, ... by default; for a data frame, which columns
            to take.

        Returns
        -------
        numpy.ndarray
            Predicted labels, (T,), dtype object, each made before its row was learnt from; None
            before the first label.

        Raises
        ------
        ValueError
            If X, y and features do not fit together.
        TypeError
            If a value is no number or a label is not hashable.
        """
        with self._model.lock:
            return self._replay(X, y, features, self._model.run_from)

    def _replay(
        self,
        X: Any,
        y: Sequence[Hashable | None],
        features: Sequence[Hashable] | None,
        run: Runner,
    ) -> np.ndarray:
        codes, first_seen = self._encode(sequence(y, length(X)))
        self._outputs_for(len(self._labels) + len(first_seen))
        rows, before = self._block(X, features)
        label_before = None if before is None else self._most_probable(before[None])[0]
        predicted = np.empty(len(rows), object)
        start = 0
        for position, label in first_seen.items():
            predicted[start:position] = self._replay_known(rows, codes, start, position, run)
            predicted[position] = self._replay_new(rows, position, label, run)
            start = position + 1
        predicted[start:] = self._replay_known(rows, codes, start, len(rows), run)
        if before is not None:
            predicted[0] = label_before
        return predicted

    def _encode(self, labels: Sequence[Hashable | None]) -> tuple[np.ndarray, dict[int, Hashable]]:
        """Return the index of each label, NaN where unknown, and where new ones come first."""
        index = dict(self._labels)
        codes = np.full(len(labels), math.nan)
        first_seen = {}
        for i, label in enumerate(labels):
            if _is_label(label):
                if label not in index:
                    index[label] = len(index)
                    first_seen[i] = label
                codes[i] = index[label]
        return codes, first_seen

    def _replay_known(
        self, rows: np.ndarray, codes: np.ndarray, start: int, stop: int, run: Runner
    ) -> list[Hashable | None]:
        """Run rows whose labels all have an output."""
        out = np.zeros((stop - start, self._model.n_columns))
        run(start, rows[start:stop], weighted(codes[start:stop]), out, True)
        return self._most_probable(out)

    def _replay_new(
        self, rows: np.ndarray, position: int, label: Hashable, run: Runner
    ) -> Hashable | None:
        """Run one row whose label is new: predict, make room, learn."""
        model, one = self._model, rows[position : position + 1]
        run(position, one, model.y, model.out, False)
        predicted = self._most_probable(model.out)[0]
        self._add_label(label)
        model.y[0, 0] = self._index(label)
        run(position, one, model.y, model.out, True)
        return predicted

    def _most_probable(self, out: np.ndarray) -> list[Hashable | None]:
        """Return the label of the greatest probability for each row, the first of equals."""
        labels = list(self._labels)
        if not labels:
            return [None] * len(out)
        return [labels[i] for i in out[:, : len(labels)].argmax(axis=1)]

    def set_weights(
        self,
        weights: Mapping[str, np.ndarray],
        features: Sequence[Hashable] | None = None,
        labels: Sequence[Hashable] | None = None,
    ) -> None:
        """Take over weights with PyTorch's names and in its layout.

        What the network sees is scaled inside the model; weights trained on other scales want
        ``scale_inputs=False``.

        Parameters
        ----------
        weights
            As `get_weights` returns them.
        features
            Names of the columns of ``weight_ih_l0``, for a model that has seen no sample. Without
            them the columns go to the features in the order in which they appear, sorted by name
            where several appear at once.
        labels
            Labels of the head's outputs, for a model that has seen none.

        Raises
        ------
        ValueError
            If names, labels or shapes do not fit, or values are not finite; nothing has changed
            then.
        """
        with self._model.lock:
            given = list(self._labels) if labels is None else distinct(labels)
            if not all(_is_label(label) for label in given):
                raise ValueError(f"labels={given}: None and NaN stand for unknown labels")
            if self._labels and given != list(self._labels):
                raise ValueError(f"labels={given}, but the model has learnt {list(self._labels)}")
            n_outputs = self._outputs_for(len(given))
            if not given and np.shape(weights.get("head.bias", ())) != (n_outputs,):
                raise ValueError("the model has seen no label: give labels=, one for each output")
            self._put_weights(weights, features, n_outputs)
            self._labels = {label: i for i, label in enumerate(given)}


def _is_label(y: Any) -> bool:
    """Say whether a label is known: not None, not NaN (which differs from itself).

    Raises
    ------
    TypeError
        If it is not hashable.
    """
    if is_missing(y):
        return False
    check_hashable("the label", y)
    return bool(y == y)
