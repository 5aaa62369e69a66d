"""A recurrent anomaly detector for River: it says how surprising the next sample is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from river import base

from streamrnn._checks import check_choice, check_count, check_number
from streamrnn.estimators.base import RecurrentEstimator
from streamrnn.estimators.outputs.sample import Sample
from streamrnn.estimators.parameters import documented
from streamrnn.estimators.rarity import Rarity
from streamrnn.estimators.scores import Scores
from streamrnn.estimators.surprise import Surprise

#: What the scores tell, by the name of that, given the memory.
_SCORES: dict[str, Callable[[int], Scores]] = {
    "lasting": lambda memory: Rarity(memory, lasting=True),
    "rarity": lambda memory: Rarity(memory, lasting=False),
    "error": Surprise,
}


@documented(
    '``"huber"`` (the default: an anomaly pulls no harder than a bad guess), ``"squared"``,\n'
    '        ``"absolute"``',
    example="Huber(delta=0.5)",
    supervised=False,
)
class RNNAnomalyDetector(RecurrentEstimator, base.AnomalyDetector):
    """Recurrent network that predicts the next sample, and scores it by how wrong it was.

    Nobody labels anything: each sample is the target of the step before it, and the only input of
    the network (Malhotra et al. 2015, Long short term memory networks for anomaly detection in time
    series).

    A score tells how rare a sample is: about one in a hundred scores 0.99 or more, one in a
    thousand 0.999, and fewer where errors are never large; so one threshold does for many streams.
    How odd a sample is, its oddest feature tells. That was predicted wrong by so many times the
    usual error, the mean of its last ``n`` absolute ones (at most ``n`` times), and it lies off its
    mean by so many standard deviations (at most the root of ``n``): the first and half of the
    second are added. What is beyond twice the usual error is taken for a power law, since events so
    rare cannot be counted (Hill 1975, A simple general approach to inference about the tail of a
    distribution).

    An error tells where an anomaly begins and ends. What follows a rare sample, one in 150 or less,
    therefore scores more, less and less, and not in streams where rare samples are frequent.

    {parameters}
    memory
        Errors and values of a feature that make up what is usual, n at most. How rare samples are
        is counted over five times as many, and a rare one is held for about a fifth. An error
        counts as ten times the usual one at most, so that an anomaly does not hide the next one.
        With 1000 single anomalies rank as with 100, and those that last stand out longer.
    score
        What scores tell. ``"lasting"``, the default: how rare a sample is, and more after a rare
        one, which finds more of an anomaly that lasts, and single ones nearly as well.
        ``"rarity"``: how rare the sample itself is; best for single anomalies. ``"error"``: how
        wrong the prediction of the worst feature was, ``1 / (1 + s/e + 1/n)`` for an error ``e``
        where the usual one is ``s``: 0.5 is as far off as usual, 0.9 nine times as far. Values that
        are wrong only where they stand rank higher then, and a threshold does for one stream only.

    {raises}

    Notes
    -----
    Filters of River learn a sample, and ask for the score of that same object *after* that: it is
    answered with what the score was before. Asked for any other object, `score_one` tells about the
    sample to come, even if that looks like the last one.

    A filter with ``protect_anomaly_detector=True``, River's default, does not let the detector
    learn what it flags. To a recurrent detector a sample is missing then, and the next ones, which
    follow from it, are surprising too: a quantile of such scores lets real anomalies pass, and
    after a change for good a `ThresholdFilter` flags everything for ever. What protects this
    detector is that an anomaly can pull it only so far (`loss`, `clip_norm`, `memory`), so
    ``QuantileFilter(..., protect_anomaly_detector=False)`` is the choice. (`ThresholdFilter` of
    River 0.26 never learns with that argument.)

    `to_torch` and `to_onnx` make a model of the next sample: it has no ``x``, (batch, 0), and its
    ``y`` is the sample before; scores are not part of it.

    Examples
    --------
    >>> from streamrnn import RNNAnomalyDetector
    >>> model = RNNAnomalyDetector(hidden_size=8, truncation=8, lr=0.01)
    >>> for t in range(1000):
    ...     model.learn_one({"pulse": t % 4})
    >>> model.score_one({"pulse": 0}) < 0.9 < 0.999 < model.score_one({"pulse": 2})
    True

    A filter that flags the most surprising of a thousand:

    >>> from river import anomaly
    >>> filter = anomaly.QuantileFilter(model, q=0.999, protect_anomaly_detector=False)
    """

    _before = MappingProxyType({**RecurrentEstimator._before, "score": "error"})

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
        clip_norm: float | str | None = 1.0,
        clip_value: float | None = None,
        clip_units: float | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        weight_decay: float | None = None,
        l2_init: float = 0.0,
        shrink: float = 0.0,
        perturb: float = 0.0,
        loss: Any = "huber",
        head: Any = "linear",
        init: str = "default",
        scale_inputs: bool = True,
        scale_clip: float | None = None,
        scale_memory: int | None = None,
        max_features: int | None = 1000,
        memory: int = 1000,
        score: str = "lasting",
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _prepare(self) -> None:
        check_count("memory", self.memory, 1)
        check_number("memory", self.memory, 1, most=1e12)  # counts are exact in float64
        check_choice("score", self.score, tuple(_SCORES))
        super()._prepare()
        self._surprise = _SCORES[self.score](self.memory)

    @property
    def lagged_target(self) -> bool:
        """The sample before is the network's input."""
        return True

    @property
    def scale_target(self) -> bool:
        """What is predicted are the features, so `scale_inputs` is about them."""
        return self.scale_inputs

    def _new_outputs(self) -> Sample:
        return Sample(self.max_features)

    def _kept_state(self) -> dict[str, Any]:
        return self._surprise.kept()

    def _restore_state(self, kept: dict[str, Any]) -> None:
        self._surprise.restore(kept, self._outputs.n_answers)

    @property
    def feature_names(self) -> list[Hashable]:
        """Names of the features seen so far, in the order of the outputs."""
        return self._outputs.names

    @property
    def counters(self) -> dict[str, int]:
        """What was counted so far.

        ``samples`` learnt from, ``updates`` made, of these ``clipped``; updates ``skipped`` because
        the gradient was not finite; ``missing_targets``: samples without any feature that could be
        used; ``state_resets`` because the state was not finite.
        """
        counted = super().counters
        del counted["missing_values"]  # of inputs beside the last sample, which there are not
        return counted

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
            model.run_one(True)
            values = self._values
            self._surprise.saw(x, values, values - model.answer)

    def score_one(self, x: Mapping[Hashable, Any]) -> float:
        """Return how surprising it would be if this were the next sample. Changes nothing.

        Parameters
        ----------
        x
            Features by name, numbers. Missing ones, and those seen less than twice, do not count.
            Of the object that was learnt last, the score that it had before.

        Returns
        -------
        float
            From 0, as predicted, to almost 1; see `score`. 0.99 is one in a hundred.

        Raises
        ------
        TypeError
            If a feature is no number.
        """
        model = self._model
        with model.lock:
            self._outputs.put(x, model.goal)
            values = self._values
            score = self._surprise.score_of_learnt(x, values)
            if score is None:
                model.run_one(False)
                score = self._surprise.score(values, values - model.answer)
            return score

    @property
    def _values(self) -> np.ndarray:
        """View of the sample as the network has it, (features,)."""
        return self._model.y[0, :-1]
