"""Models beside their twins for the tests of what heads read and of changes that are predicted."""

import math

import numpy as np
from engine_helpers import engine, get, put, rls, rls_memory
from naive import Changes, Twin, random_weights
from naive.cells import sigmoid
from naive.heads import RLS, Linear, LinearSkip
from naive.losses import Binary
from test_lagged_target import KINDS, noise
from test_late_targets import tell, wait

from streamrnn import heads

N_INPUTS, H = 3, 4
LAGS = {"lags": 3, "forgetting": 0.97, "bound": 1.5, "ridge": 2.0, "decay": 1.5}
CENTRED = {"squared", "absolute", "huber"}

for loss in ("absolute", "huber", "quantile"):
    KINDS[loss] = KINDS["squared"]


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


DECODED = {
    "cross_entropy": softmax,
    "binary_cross_entropy": sigmoid,
    "logistic": lambda z: np.array([1 - sigmoid(z[0]), sigmoid(z[0])]),
}


def _newest(y):
    return np.zeros(1) if y is None else np.nan_to_num(y[-1:])


def _slow_head(name, lag, recent, changes, n_outputs, truncation):
    if name != "rls":
        return {"linear": Linear, "linear_skip": LinearSkip}[name]()
    lags = min(LAGS["lags"], truncation)
    n = len(recent(None))
    ages = [0] * (2 * N_INPUTS + len(lag(None) if lag else []) + (n if changes else 0))
    ages += [age for age in range(1, lags + 1) for _ in range(n)]
    return RLS(n_outputs, H, ages, **LAGS)


class Pair:
    """A model and its twin, which are told the same."""

    def __init__(
        self,
        loss="squared",
        head="rls",
        *,
        change=False,
        is_series=False,
        lagged_target=False,
        scale_target=True,
        scale_clip=math.inf,
        num_layers=1,
        dtype="float64",
        **words,
    ):
        n_outputs, self.encode, told = KINDS[loss]
        self.loss, self.truncation = loss, words["truncation"]
        scale_target &= loss in CENTRED | {"quantile"}
        words = {"loss": loss, "scale_inputs": True, "scale_target": scale_target, **words}
        lag, recent = told if lagged_target else None, _newest if is_series else told
        changes = change and Changes(
            n_outputs,
            scaled=scale_target,
            clip=scale_clip,
            shrinks=loss in CENTRED,
            is_series=is_series,
        )
        self.model = engine(
            n_outputs=n_outputs,
            head=rls(**LAGS) if head == "rls" else heads.registry()[head],
            lagged_target=lagged_target,
            predict_change=change,
            is_series=is_series,
            num_layers=num_layers,
            scale_clip=scale_clip,
            dtype=dtype,
            **words,
        )
        n = N_INPUTS + (n_outputs if lagged_target else 0)
        weights = random_weights(words["cell"], n, H, num_layers, n_out=n_outputs, seed=3)
        if head == "linear_skip":
            weights["head.skip"] = np.linspace(-0.4, 0.5, n_outputs * n).reshape(n_outputs, n)
        weights = {name: array for name, array in weights.items() if name in get(self.model)}
        put(self.model, weights)
        self.twin = Twin(
            weights=weights,
            lag=lag,
            recent=recent,
            head=_slow_head(head, lag, recent, changes, n_outputs, words["truncation"]),
            changes=changes,
            scale_clip=scale_clip,
            **words | {"loss": Binary() if loss == "binary_cross_entropy" else loss},
        )

    def ask(self, x):
        """What the model and what the twin predicts."""
        self.model.row[:] = x
        self.model.run_one(False)
        z = self.twin.predict(x)
        return self.model.answer.copy(), DECODED.get(self.loss, np.array)(z)

    def learn(self, x, y, weight):
        self.model.row[:] = x
        self.model.y[0, :-1] = math.nan if y is None else y
        self.model.y[0, -1] = weight
        self.model.run_one(True)
        self.twin.learn(x, y, weight)

    def observe(self, x, y, weight):
        self.model.row[:] = x
        self.model.y[0, :-1] = math.nan if y is None else y
        self.model.y[0, -1] = weight
        self.model.observe_one()
        self.twin.observe(x, y, weight)

    def wait(self, x):
        wait(self.model, x)
        self.twin.learn(x, None, waits=True)

    def tell(self, age, y, weight):
        tell(self.model, age, math.nan if y is None else y, weight)
        self.twin.label(age, y, weight)

    def reset_state(self):
        self.model.reset_state()
        self.twin.reset_state()

    def go(self, rng, length=90, tolerance=1e-9, scale=1.0):
        """Tell both of a stream with gaps, weights, late targets and a reset; compare them."""
        due = {}
        for t, (x, noisy) in enumerate(zip(*noise(length, rng), strict=True)):
            found, expected = self.ask(x)
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=str(t))
            y, weight = self.encode(scale * noisy), [1.0, 0.3, 2.5, 0.0][t % 4 if t % 12 else 3]
            if t % 3 == 1:
                self.wait(x)
                late = int(rng.integers(0, self.truncation))
                due.setdefault(t + late, []).append((t, y, weight))
            else:
                self.learn(x, y, weight)
            for told_of, late_y, late_weight in due.pop(t, []):
                self.tell(t - told_of, late_y, late_weight)
            if t % 11 == 8:  # another one takes the place of the first
                self.tell(1, self.encode(-scale * noisy), 1.0)
            if t == length * 2 // 3:
                self.reset_state()
                due.clear()

    def assert_same(self, tolerance=1e-9):
        model, twin = self.model, self.twin
        for name, array in twin.weights.items():
            np.testing.assert_allclose(
                get(model)[name], array, rtol=0, atol=tolerance, err_msg=name
            )
        assert {name: model.counters[name] for name in twin.counters} == twin.counters
        if isinstance(twin.head, RLS):
            W, P = rls_memory(model)
            np.testing.assert_allclose(W, twin.head.W, rtol=0, atol=tolerance)
            np.testing.assert_allclose(
                P @ twin.head.information, np.eye(len(P)), atol=1e3 * tolerance
            )
