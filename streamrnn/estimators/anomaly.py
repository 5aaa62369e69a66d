"""A recurrent anomaly detector for River: it says how surprising the next sample is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from river import base

from streamrnn._checks import check_count
from streamrnn.estimators.base import RecurrentEstimator
from streamrnn.estimators.outputs.numbers import Numbers
from streamrnn.estimators.parameters import documented
from streamrnn.estimators.surprise import Surprise


@documented(
    '``"huber"`` (the default: an anomaly pulls no harder than a bad guess), ``"squared"``,\n'
    '        ``"absolute"``',
    example="Huber(delta=0.5)",
    supervised=False,
)
class RNNAnomalyDetector(RecurrentEstimator, base.AnomalyDetector):
    """Recurrent network that predicts the next sample, and scores it by how wrong it was.

    Nobody labels anything: each sample is the target of the step before it. The error of each
    feature is divided by what it usually was of late; the score is 0 for a sample as predicted, 0.5
    for one as far off as usual, and tends to 1: with errors of ``u`` times the usual size (their
    root mean square over the features) it is ``u² / (1 + u²)``.

    {parameters}
    memory
        Samples over which the usual size of the errors is measured.

    Examples
    --------
    >>> from streamrnn import RNNAnomalyDetector
    >>> model = RNNAnomalyDetector(hidden_size=8, truncation=8, lr=0.01)
    >>> for t in range(1000):
    ...     model.learn_one({"pulse": t % 4})
    >>> model.score_one({"pulse": 0}) < 0.9 < 0.99 < model.score_one({"pulse": 2})
    True

    A filter that flags the most surprising of a thousand; it also goes on learning from what it
    flags, so that the hidden state misses no sample:

    >>> from river import anomaly
    >>> filter = anomaly.QuantileFilter(model, q=0.999, protect_anomaly_detector=False)
    """

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
        loss: Any = "huber",
        head: Any = "linear",
        init: str = "default",
        scale_inputs: bool = True,
        max_features: int | None = 1000,
        memory: int = 1000,
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _prepare(self) -> None:
        check_count("memory", self.memory, 1)
        super()._prepare()
        self._surprise = Surprise(self.memory)

    @property
    def lagged_target(self) -> bool:
        """The sample before is the network's input."""
        return True

    @property
    def scale_target(self) -> bool:
        """What is predicted are the features, so `scale_inputs` is about them."""
        return self.scale_inputs

    def _new_outputs(self) -> Numbers:
        return Numbers(self.max_features, word="feature", limit_name="max_features")

    def _kept_state(self) -> dict[str, Any]:
        return self._surprise.kept()

    def _restore_state(self, kept: dict[str, Any]) -> None:
        self._surprise.restore(kept, self._outputs.n_answers)

    @property
    def feature_names(self) -> list[Hashable]:
        """Names of the features seen so far, in the order of the outputs."""
        return self._outputs.names

    def learn_one(self, x: Mapping[Hashable, Any]) -> None:
        """Advance the hidden state by one step, then learn from how wrong it was.

        Parameters
        ----------
        x
            Features by name, numbers. New ones are predicted from the next sample on; missing, None
            and NaN ones teach nothing.

        Raises
        ------
        TypeError
            If a feature is no number; nothing has changed then.
        """
        model, outputs = self._model, self._outputs
        with model.lock:
            if not outputs.put(x, model.goal):
                self._add_outputs(outputs.unseen(x))
                outputs.pass_over(x)
                self._surprise.grow(outputs.n_answers)
                outputs.put(x, model.goal)
            model.goal[-1] = 1.0
            model.run_one(True)
            self._surprise.saw(self._errors())

    def score_one(self, x: Mapping[Hashable, Any]) -> float:
        """Return how surprising it would be if this were the next sample. Changes nothing.

        Parameters
        ----------
        x
            Features by name, numbers. New and missing ones do not count.

        Returns
        -------
        float
            From 0, as predicted, to 1.

        Raises
        ------
        TypeError
            If a feature is no number.
        """
        model = self._model
        with model.lock:
            self._outputs.put(x, model.goal)
            model.run_one(False)
            return self._surprise.score(self._errors())

    def _errors(self) -> np.ndarray:
        """Return what was seen minus what was predicted; NaN where a feature is missing."""
        n = self._outputs.n_answers
        return np.array(self._model.goal[:n]) - self._model.answer[:n]
