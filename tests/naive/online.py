"""Online truncated BPTT as it is defined, keeping the whole history and sparing nothing."""

import copy
import math

import numpy as np

from naive.gradients import step, window_gradient, zero_states
from naive.heads import Linear
from naive.losses import LOSSES
from naive.optimizers import OPTIMIZERS


class Scaler:
    """Mean and population standard deviation of every value seen so far, kept as a list.

    Each has a weight: 1, until a value beyond `clip`, or more than `memory` of them, make the past
    count less.
    """

    def __init__(self, clip=None, memory=None):
        self.clip = math.inf if clip is None else clip
        self.memory = math.inf if memory is None else memory
        self.values, self.weights = [], []

    def scaled(self, value):
        """The value by the moments with it."""
        value = self.bounded(value)
        mean, std = moments([*self.values, value], [*self.weights, 1.0])
        return np.clip((value - mean) / std, -self.clip, self.clip) if std > 0 else 0.0

    def keep(self, value):
        taken = self.bounded(value)
        self.values.append(taken)
        self.weights.append(1.0)
        if self.clip < math.inf:
            if len(set(self.values)) == 1:
                self.values, self.weights = [taken], [1.0]
            elif len(self.values) == 3 and self.values[0] != self.values[1]:
                self.draw_stray_near()
        if taken != value:
            self.fade_to(max(0.9 * sum(self.weights), min(10.0, sum(self.weights))))
        self.fade_to(min(sum(self.weights), self.memory))

    def bounded(self, value):
        mean, std = moments(self.values, self.weights)
        if std == 0:
            return value
        reach = self.clip * (1 + (10 / sum(self.weights)) ** 2) * std
        return value if abs(value - mean) <= reach else mean + np.sign(value - mean) * reach

    def draw_stray_near(self):
        """Of three values one lies at most 30 times as far off as the others are apart."""
        middle = sorted(self.values)[1]
        apart = min(abs(value - middle) for value in self.values if value != middle)
        if len(set(self.values)) == 3:
            self.values = [
                middle + np.clip(v - middle, -30 * apart, 30 * apart) for v in self.values
            ]

    def fade_to(self, weight):
        factor = weight / sum(self.weights)
        self.weights = [factor * weight for weight in self.weights]

    def restore(self, value):
        mean, std = moments(self.values, self.weights)
        value = np.clip(value, -self.clip, self.clip)
        return value * std + mean if self.values else value


def moments(values, weights):
    """Weighted mean and standard deviation, which of equal values is 0, not even rounding."""
    if not values:
        return 0.0, 0.0
    mean = np.average(values, weights=weights)
    if len(set(values)) == 1:
        return mean, 0.0
    return mean, np.sqrt(np.average((np.array(values) - mean) ** 2, weights=weights))


def norm(gradient):
    return np.sqrt(sum((g**2).sum() for g in gradient.values()))


class Twin:
    """One learner; `weights` under PyTorch's names, samples as vectors, a target None for none.

    Several targets are a vector with NaN for those that are not known. How an input tells a scaled
    target, or None for zeros, is a function: `lag` to the network, `recent` to a head that asks.
    """

    def __init__(
        self,
        cell,
        weights,
        *,
        truncation=32,
        update_every=1,
        loss_window=1,
        activations="stored",
        optimizer="adam",
        lr=0.01,
        clip_norm=None,
        clip_value=None,
        clip_units=None,
        l2=0.0,
        l1=0.0,
        weight_decay=None,
        l2_init=0.0,
        shrink=0.0,
        loss="squared",
        scale_inputs=False,
        scale_target=False,
        scale_clip=None,
        scale_memory=None,
        lag=None,
        head=None,
        recent=None,
        changes=None,
    ):
        self.cell = cell
        self.weights = {name: np.array(array, dtype=float) for name, array in weights.items()}
        self.truncation, self.update_every, self.loss_window = truncation, update_every, loss_window
        self.recomputed = activations == "recomputed"
        self.optimizer = OPTIMIZERS[optimizer]
        self.slots = {name: {} for name in weights}
        self.lr = lr
        self.clip_norm, self.clip_value, self.clip_units = clip_norm, clip_value, clip_units
        self.usual_norm = None  # for clip_norm="auto"
        self.initial, self.l2_init, self.shrink = dict(self.weights), l2_init, shrink
        self.l2, self.l1 = l2, l1
        self.weight_decay = self.optimizer.weight_decay if weight_decay is None else weight_decay
        self.loss = LOSSES[loss] if isinstance(loss, str) else loss
        n_inputs = self.weights["weight_ih_l0"].shape[1]
        self.robust = scale_clip, scale_memory
        self.input_scalers = (
            [Scaler(*self.robust) for _ in range(n_inputs)] if scale_inputs else None
        )
        self.scale_target, self.target_scalers = scale_target, []
        self.lag, self.recent = lag, recent
        self.head = head or Linear()
        self.changes = changes
        self.gradient = None
        self.counters = dict.fromkeys(
            ("samples", "updates", "clipped", "skipped", "missing_values", "missing_targets"), 0
        )
        self.reset_state()

    def reset_state(self):
        self.states = zero_states(self.cell, self.weights)
        self.history = []  # one dictionary a sample
        self.pending = 0  # targets since the last update
        if self.changes:
            self.changes.forget_last()

    def predict(self, x):
        """What is predicted for the next sample; nothing changes."""
        return self.in_units(self.look(x, commit=False)["z"])

    def in_units(self, outputs):
        if self.changes:
            return self.changes.predicted(outputs)
        if not self.scale_target:
            return outputs
        self.know_targets(len(outputs))
        pairs = zip(self.target_scalers, outputs, strict=True)
        return np.array([scaler.restore(output) for scaler, output in pairs])

    def look(self, x, commit):
        """The next sample, as the network sees it, and what the head says of it."""
        x = self.inputs(x, commit)
        seen = np.concatenate([x, self.known_to_head(len(x))])
        states, memos = step(self.cell, self.weights, x, self.states)
        z = self.head.read(self.weights, states[-1][0], seen)
        bases = self.changes and self.changes.bases()
        run = memos, states[-1][0]
        return {"x": x, "seen": seen, "states": states, "run": run, "z": z, "bases": bases}

    def advance(self, x):
        sample = self.look(x, commit=True)
        self.history.append({**sample, "target": None, "weight": 0.0, "before": self.states})
        self.states = sample["states"]
        self.counters["samples"] += 1
        self.counters["missing_targets"] += 1

    def learn(self, x, y, weight=1.0, *, waits=False):
        """One sample; `waits` if its target will come later, which an update is to wait for."""
        self.advance(x)
        self.tell(0, y, weight)
        if not waits:
            self.update_if_due(0)
            self.teach_head(0)

    def roll(self, x):
        """One sample whose target is taken to be what is predicted; nothing is learnt."""
        z, scalers = self.look(x, commit=False)["z"], copy.deepcopy(self.input_scalers)
        predicted = self.in_units(z)
        self.advance(x)
        self.input_scalers = scalers
        sample = self.history[-1]
        sample["target"], sample["weight"] = z, 1.0
        if self.changes:
            sample["target"] = self.changes.expected(z)
            for k, value in enumerate(predicted):
                self.changes.note(k, len(self.history), value)
        return predicted

    def observe(self, x, y, weight=1.0):
        """One sample whose target is known from then on, and which nothing is learnt from."""
        kept = copy.deepcopy((self.input_scalers, self.target_scalers, self.changes, self.pending))
        self.advance(x)
        self.tell(0, y, weight)
        told = self.changes and self.changes.told
        self.input_scalers, self.target_scalers, self.changes, self.pending = kept
        if self.changes:
            self.changes.told = told
        self.history[-1]["weight"] *= -1
        if self.counters["samples"] % self.update_every == 0:
            self.pending = 0

    def tell(self, age, y, weight):
        sample = self.history[-1 - age]
        if y is None or weight == 0 or not np.isfinite(y).any():
            return False
        self.counters["missing_targets"] -= sample["weight"] == 0
        sample["target"], sample["weight"] = self.scaled_target(y, sample, age), weight
        self.pending += bool(np.isfinite(sample["target"]).any())
        return True

    def label(self, age, y, weight=1.0):
        """The target of an old sample."""
        if self.tell(age, y, weight):
            self.update_if_due(age)
            self.teach_head(age)

    def teach_head(self, age):
        sample = self.history[-1 - age]
        if sample["weight"] > 0:
            known = sample["run"][1], sample["seen"], sample["target"], sample["weight"]
            self.head.learn(self.loss, self.weights, *known)

    def update_if_due(self, age):
        if (self.counters["samples"] - age) % self.update_every == 0:
            if self.pending:
                self.update(age)
            self.pending = 0

    def inputs(self, x, commit):
        """The scaled features, and behind them the newest target of the window that is known."""
        scaled = self.scaled(x, commit)
        if self.lag is None:
            return scaled
        return np.concatenate([scaled, self.lag(self.last_targets(1)[0])])

    def last_targets(self, n):
        """The newest target that the window knows, and those of the steps before it."""
        window = [sample["target"] for sample in self.history[-self.truncation :]]
        while window and window[-1] is None:
            window.pop()
        return ([None] * n + window)[: -n - 1 : -1]

    def known_to_head(self, n_inputs):
        """What the head alone reads: features of the step before, levels, the last targets."""
        columns = []
        if self.head.recent_inputs:
            n_lags = 0 if self.lag is None else len(self.lag(None))
            n = n_inputs - n_lags
            columns.append(self.history[-1]["x"][:n] if self.history else np.zeros(n))
        if self.changes and self.head.recent_targets:
            n = 1 if self.changes.is_series else len(self.changes.told)
            columns.append([self.changes.level(k) for k in range(n)])
        n_targets = min(self.head.recent_targets, self.truncation)
        columns += [self.recent(target) for target in self.last_targets(n_targets)]
        return np.concatenate([[], *columns])

    def scaled(self, x, commit):
        result = np.zeros(len(x))
        for j, value in enumerate(x):
            if value is None or not np.isfinite(value):
                self.counters["missing_values"] += commit
                continue
            result[j] = value
            if self.input_scalers is not None:
                scaler = self.input_scalers[j]
                result[j] = scaler.scaled(value)
                if commit:
                    scaler.keep(value)
        return result

    def scaled_target(self, y, sample, age):
        if self.changes:
            number = len(self.history) - age
            return self.changes.learn(np.atleast_1d(y), number, sample["bases"], sample["z"])
        if not self.scale_target:
            return y
        self.know_targets(np.size(y))
        if np.ndim(y) == 0:
            return self.kept_target(self.target_scalers[0], y)
        pairs = zip(self.target_scalers, y, strict=True)
        return np.array([self.kept_target(scaler, value) for scaler, value in pairs])

    def know_targets(self, n):
        missing = n - len(self.target_scalers)
        self.target_scalers += [Scaler(*self.robust) for _ in range(missing)]

    def kept_target(self, scaler, y):
        if not np.isfinite(y):
            return math.nan
        scaled = scaler.scaled(y)
        scaler.keep(y)
        return scaled

    def data_gradient(self, age):
        """The gradient of the newest losses through the window, before anything is added to it.

        The window ends with the sample of that age.
        """
        recent = self.history[-self.truncation :]
        window = recent[: len(recent) - age]
        runs = self.run_again(window) if self.recomputed else [sample["run"] for sample in window]
        first = len(window) - self.loss_window
        sent_back, known = [], []
        for index, (sample, (_, top)) in enumerate(zip(window, runs, strict=True)):
            if index < first or sample["weight"] <= 0:
                sent_back.append((np.zeros_like(top), {}))
                continue
            # The head is today's in either case.
            p = self.head.read(self.weights, top, sample["seen"])
            known.append((p, sample))
            slope = self.slope(p, sample) / self.loss_window
            sent_back.append(self.head.send_back(self.weights, top, sample["seen"], slope))
        self.window_loss = sum(self.loss_of(*one) for one in known) / self.loss_window
        self.window_error = sum(abs(self.slope(*one)).sum() for one in known) / self.loss_window
        return window_gradient(self.cell, self.weights, [memos for memos, _ in runs], sent_back)

    def slope(self, p, sample):
        """The slope of one sample's loss: nothing from a target that is not known."""
        slope = np.array(self.loss.slope(p, sample["target"]), dtype=float)
        if np.ndim(sample["target"]) == 1:
            slope[np.isnan(sample["target"])] = 0.0
        return sample["weight"] * slope

    def loss_of(self, p, sample):
        """The loss of one sample, as if its errors were larger by its weight."""
        target = sample["target"]
        if np.ndim(target) == 1:
            parts = zip(p, target, strict=True)
            total = sum(self.loss.value(z[None], y) for z, y in parts if np.isfinite(y))
        else:
            total = self.loss.value(p, target)
        return sample["weight"] ** 2 * total

    def run_again(self, window):
        runs = []
        states = window[0]["before"]
        for sample in window:
            states, memos = step(self.cell, self.weights, sample["x"], states)
            runs.append((memos, states[-1][0]))
        return runs

    def update(self, age):
        gradient = self.data_gradient(age)
        for name, theta in self.weights.items():
            pull = 2 * self.l2_init * (theta - self.initial[name])
            gradient[name] = gradient[name] + self.l2 * theta + pull
        if not all(np.isfinite(g).all() for g in gradient.values()):
            self.counters["skipped"] += 1
            return
        clipped = self.clip(gradient)
        self.counters["clipped"] += any((clipped[name] != gradient[name]).any() for name in clipped)
        self.gradient = clipped
        lr = self.lr.get(self.counters["updates"]) if hasattr(self.lr, "get") else self.lr
        self.counters["updates"] += 1
        left = norm(clipped) / norm(gradient) if norm(gradient) > 0 else 1.0
        figures = self.window_loss, self.window_error, left
        rate = self.optimizer.pace(self.slots, clipped, lr, *figures)
        for name, g in clipped.items():
            theta = self.weights[name] * (1 - lr * self.weight_decay)
            theta = self.optimizer.step(self.slots[name], theta, g, rate, self.counters["updates"])
            theta = np.sign(theta) * np.maximum(np.abs(theta) - lr * self.l1, 0)
            self.weights[name] = (1 - self.shrink) * theta

    def clip(self, gradient):
        if self.clip_value is not None:
            limit = self.clip_value
            gradient = {name: np.clip(g, -limit, limit) for name, g in gradient.items()}
        if self.clip_units is not None:
            gradient = {name: self.clip_rows(name, g) for name, g in gradient.items()}
        size = norm(gradient)
        limit = self.follow(size) if self.clip_norm == "auto" else self.clip_norm
        if limit is not None and size > limit:
            gradient = {name: g * (limit / size) for name, g in gradient.items()}
        return gradient

    def clip_rows(self, name, g):
        """Adaptive gradient clipping: a row is what reaches one unit through one gate."""
        if not name.startswith("weight_"):
            return g
        sizes = np.linalg.norm(g, axis=1, keepdims=True)
        limits = np.linalg.norm(self.weights[name], axis=1, keepdims=True)
        limits = self.clip_units * np.maximum(limits, 1e-3)
        return np.where(sizes > limits, g * limits / np.where(sizes > 0, sizes, 1.0), g)

    def follow(self, size):
        """The 10th percentile of the norms so far, this one included: AutoClip."""
        if size > 0 and self.usual_norm is None:
            self.usual_norm = size
        elif size > 0:
            pace = max(0.05, 1 / (self.counters["updates"] + 1))
            self.usual_norm *= np.exp(pace * (0.1 - (size < self.usual_norm)))
        return self.usual_norm

    def add_output(self):
        """One more output (a class nobody has seen): zero weights, zero optimiser slots."""
        names = "head.weight", "head.bias"
        self.initial |= {name: np.pad(self.initial[name], self.one_more(name)) for name in names}
        for name in names:
            grow = self.one_more(name)
            self.weights[name] = np.pad(self.weights[name], grow)
            self.slots[name] = {k: np.pad(v, grow) for k, v in self.slots[name].items()}

    def one_more(self, name):
        return [(0, 1)] + [(0, 0)] * (self.weights[name].ndim - 1)
