"""One model for each key: a fleet of sensors, meters or machines behind one River estimator."""

from __future__ import annotations

import copy
import os
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from river import base

from streamrnn._checks import check_choice
from streamrnn.estimators.blockwise import Blockwise
from streamrnn.estimators.features import FeatureIndex
from streamrnn.estimators.keyed_blocks import KeyedBlocks
from streamrnn.estimators.keys import (
    check_arguments,
    checked_time,
    key_names,
    key_of,
    named,
)
from streamrnn.estimators.saved_keys import BANKS, SavedKeys
from streamrnn.population import Population
from streamrnn.routing import check_backend


class KeyedModel(KeyedBlocks, SavedKeys, base.Wrapper, base.Estimator):
    """One recurrent model for each key, such as a sensor, made when the key is first learnt from.

    Models are rows of a few large arrays, and a block of samples of many keys is learnt in parallel
    over the keys. With ``weights="own"`` each gives the bits that an estimator of its own would
    give, however many threads work, and whether or not it was on disk in between. Features and
    labels are those of all keys together: a model takes a feature that its key never had for
    missing.

    Parameters
    ----------
    model
        `RNNRegressor`, or `RNNClassifier` (which has ``predict_proba_one``): what each key's model
        is like. Nothing that it has learnt is taken over.
    key
        Name of the feature that tells the key, or a list of several, which are no inputs of the
        network; or a function of the sample. No scaler is needed, and one in front must not touch
        the key: ``(Discard("sensor") | StandardScaler()) + Select("sensor") | KeyedModel(...)``.
    max_keys
        Models in memory at most; the least recently used ones wait on disk and come back as they
        were. None, the default, keeps all in memory.
    ttl
        A key that was not learnt from for longer is forgotten, and starts anew if it comes back: a
        number of samples (of all keys), or a span of `time`. None, the default, forgets nobody.
    time
        Name of the feature that tells the time, as a number or a ``datetime``, for `ttl`; it is no
        input of the network. A time before one already seen counts as that.
    weights
        ``"own"``: each key learns by itself. ``"shared"``: all keys are streams of one model, for
        those that behave alike; each has its own state, window and scaling. A block is then learnt
        in rounds, one sample of each of up to `max_keys` keys, with one update a round by the mean
        of their gradients: fewer updates than one for each sample, which may want a higher ``lr``.
        Heads that learn other than by gradient have none to average: regressors are to be made
        with ``head="linear_skip"``.
    spill_dir
        Folder for models that wait on disk, which must be able to hold all of them. None, the
        default, takes the system's folder of temporary files, which on some systems is in memory.
        The files go with the model; a process forked from this one cannot reach them.
    n_threads
        Threads that `replay` uses at most; None, the default, takes the cores there are. The
        numbers do not depend on it.
    backend
        Where `replay` runs: ``"cpu"``, the default; ``"cuda"``, an NVIDIA GPU, which takes many
        keys at a time (``pip install 'streamrnn[cuda]'``); or ``"auto"``: the device, if it was
        found to be faster on the first rows of much work. Its numbers are the CPU's but for
        rounding, so ``"auto"`` is not for those who need the same bits again. Single samples stay
        on the CPU, and with ``"auto"`` so do keys that share weights. This is how the model runs
        and not what it is: it may be changed at any time, ``model.backend = "cuda"``, and is in no
        file; a model that is loaded runs on the CPU.

    Raises
    ------
    TypeError, ValueError
        If `model` is no recurrent estimator of this package or its head cannot be shared, or a
        parameter is of the wrong type or out of range.

    Examples
    --------
    >>> from streamrnn import KeyedModel, RNNRegressor
    >>> model = KeyedModel(RNNRegressor(hidden_size=8, truncation=8), key="sensor", max_keys=1000)
    >>> for t in range(400):
    ...     for sensor in ("kitchen", "cellar"):
    ...         x = {"sensor": sensor, "phase": t % 4}
    ...         y_pred = model.predict_one(x)
    ...         model.learn_one(x, t % 4 if sensor == "kitchen" else -(t % 4))
    >>> len(model), round(model.predict_one({"sensor": "cellar", "phase": 3}))
    (2, -3)
    """

    _last_made = "_population"
    _mutable_attributes = frozenset({"backend"})
    _backend = "cpu"  # of models that were pickled before there was a choice

    def __new__(cls, model: Any = None, *args: Any, **kwargs: Any) -> KeyedModel:
        """Make what River takes for a regressor or for a classifier, as the model is."""
        if cls is KeyedModel:
            cls = KeyedClassifier if isinstance(model, base.Classifier) else KeyedRegressor
        return super().__new__(cls)

    def __init__(
        self,
        model: Blockwise,
        key: Any,
        max_keys: int | None = None,
        ttl: Any = None,
        time: Hashable | None = None,
        weights: str = "own",
        spill_dir: str | os.PathLike[str] | None = None,
        n_threads: int | None = None,
        backend: str = "cpu",
    ) -> None:
        check_arguments(model, key, max_keys, ttl, time, n_threads)
        check_choice("weights", weights, tuple(BANKS))
        self.model = model
        self.key = key
        self.max_keys = max_keys
        self.ttl = ttl
        self.time = time
        self.weights = weights
        self.spill_dir = spill_dir
        self.n_threads = n_threads
        self.backend = backend
        self._build()

    def _build(self) -> None:
        self._estimator = self.model.clone()
        names = {*key_names(self.key), self.time}
        self._estimator._features = FeatureIndex(names - {None}, self.model.max_features)
        self._bank = BANKS[self.weights](self._estimator._model.blueprint)
        self._estimator._model = self._bank
        self._population = self._new_population()

    def _new_population(self) -> Population:
        return Population(self._bank, self.max_keys, self.ttl, self.spill_dir)

    @property
    def _wrapped_model(self) -> Blockwise:
        return self._estimator

    @property
    def backend(self) -> str:
        """Where blocks run: ``"cpu"``, ``"cuda"`` or ``"auto"``; may be set at any time.

        Raises
        ------
        ValueError
            On setting, if there is no such backend.
        DeviceError
            On setting ``"cpu"``, if the device fails as the models come from there.
        """
        return self._backend

    @backend.setter
    def backend(self, backend: str) -> None:
        check_backend(backend)
        self._backend = backend
        if backend == "cpu" and self._last_made in vars(self):
            with self._bank.lock:
                self._bank.backend = "cpu"  # and the device is free for others

    # --- one sample

    def _time_of(self, x: Mapping[Hashable, Any]) -> Any:
        if self.ttl is None or self.time is None:
            return self._population.samples
        return checked_time(named(x, self.time, "time"), self.ttl)

    def predict_one(self, x: Mapping[Hashable, Any]) -> Any:
        """Predict as the key's model does, as a new one if the key is new. Changes nothing.

        Raises
        ------
        ValueError, TypeError
            If the sample has no key, or no time though `ttl` needs one, or a feature is no number.
        """
        with self._bank.lock:
            self._population.look(key_of(x, self.key), self._time_of(x))
            return self._estimator.predict_one(x)

    def learn_one(self, x: Mapping[Hashable, Any], y: Any, w: float = 1.0) -> None:
        """Let the key's model learn; make it if the key is new or has expired.

        Parameters
        ----------
        x
            The sample, with its key.
        y
            Its target or label.
        w
            Its weight.

        Raises
        ------
        ValueError, TypeError
            If the sample has no key, or no time though `ttl` needs one, or something is of the
            wrong kind; nothing has changed then.
        OSError
            If a model cannot be taken to disk or brought back.
        """
        with self._bank.lock:
            key, now = key_of(x, self.key), self._time_of(x)
            if not self._population.select(key, now):
                self._estimator._check_sample(x, y, w)
                self._population.seat(key, now)
            self._estimator.learn_one(x, y, w=w)
            self._population.saw(key, now)

    def observe_one(self, x: Mapping[Hashable, Any], y: Any = None) -> None:
        """Let the key's model take a step and know the target; learn nothing.

        A key without a model gets none. What else is said of `RNNRegressor.observe_one` holds here.

        Raises
        ------
        ValueError, TypeError, OSError
            As `learn_one` raises them.
        """
        with self._bank.lock:
            key, now = key_of(x, self.key), self._time_of(x)
            if key in self._population.roster:
                self._population.seat(key, now)
                self._estimator.observe_one(x, y)
                self._population.saw(key, now)

    # --- for users

    def __len__(self) -> int:
        return len(self._population.roster)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._population.roster

    def __iter__(self) -> Iterator[Hashable]:
        """Iterate over the keys: those on disk, then those in memory."""
        with self._bank.lock:
            return iter(list(self._population.roster))

    def __bool__(self) -> bool:
        """Return True: a model without keys is a model."""
        return True

    @property
    def counters(self) -> dict[str, int]:
        """What was counted so far.

        ``samples`` learnt from or passed by, ``keys`` that have a model, ``resident`` of them in
        memory and ``spilled`` to disk, and how often a key has ``expired``.
        """
        with self._bank.lock:
            return self._population.counters

    def extract(self, key: Hashable) -> Blockwise:
        """Return a copy of one key's model, as an estimator of its own.

        Raises
        ------
        KeyError
            If the key has no model.
        """
        with self._bank.lock:
            if key not in self._population.roster:
                raise KeyError(key)
            self._bank.select(self._population.roster.look(key))
            single = self._estimator.clone()
            single._model = self._bank.alone()
            single._features = copy.deepcopy(self._estimator._features)
            single._outputs = copy.deepcopy(self._estimator._outputs)
            return single

    def forget(self, key: Hashable) -> None:
        """Drop a key's model, if it has one; the key starts anew if it comes back."""
        with self._bank.lock:
            self._population.forget(key)

    # --- copying

    def __getstate__(self) -> dict[str, Any]:
        """Return a copy of everything, the models on disk included."""
        with self._bank.lock:
            state = {name: value for name, value in vars(self).items() if name != "_bank"}
            state["_estimator"] = copy.deepcopy(self._estimator)
            state["_population"] = self._population.packed()
            return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bank = self._estimator._model
        self._population = self._new_population()
        self._population.unpack(state["_population"])

    def __copy__(self) -> KeyedModel:
        """Copy deeply: two that share some of their models would be none."""
        return copy.deepcopy(self)


class KeyedRegressor(KeyedModel, base.Regressor):
    """The `KeyedModel` of a regressor."""


class KeyedClassifier(KeyedModel, base.Classifier):
    """The `KeyedModel` of a classifier."""

    def predict_proba_one(self, x: Mapping[Hashable, Any], **kwargs: Any) -> dict[Any, float]:
        """Predict the probability of each label that any key has seen. Changes nothing.

        Raises what `predict_one` raises.
        """
        with self._bank.lock:
            self._population.look(key_of(x, self.key), self._time_of(x))
            return self._estimator.predict_proba_one(x)
