"""Online truncated BPTT as it is defined, keeping the whole history and sparing nothing."""

import copy
import math

import numpy as np

from naive.gradients import step, window_gradient, zero_states
from naive.heads import Linear
from naive.losses import LOSSES
from naive.optimizers import OPTIMIZERS


class Scaler:
    """Mean and population standard deviation of every value seen so far, kept as a list."""

    def __init__(self):
        self.values = []

    def scale(self, value):
        mean, std = self.moments()
        return (value - mean) / std if std > 0 else 0.0

    def restore(self, value):
        mean, std = self.moments()
        return value * std + mean if self.values else value

    def moments(self):
        if not self.values:
            return 0.0, 0.0
        return np.mean(self.values), np.std(self.values)


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
        l2=0.0,
        l1=0.0,
        weight_decay=None,
        loss="squared",
        scale_inputs=False,
        scale_target=False,
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
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.l2, self.l1 = l2, l1
        self.weight_decay = self.optimizer.weight_decay if weight_decay is None else weight_decay
        self.loss = LOSSES[loss] if isinstance(loss, str) else loss
        n_inputs = self.weights["weight_ih_l0"].shape[1]
        self.input_scalers = [Scaler() for _ in range(n_inputs)] if scale_inputs else None
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
                scaler.values.append(value)
                result[j] = scaler.scale(value)
                if not commit:
                    scaler.values.pop()
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
        self.target_scalers += [Scaler() for _ in range(n - len(self.target_scalers))]

    def kept_target(self, scaler, y):
        if not np.isfinite(y):
            return math.nan
        scaler.values.append(y)
        return scaler.scale(y)

    def data_gradient(self, age):
        """The gradient of the newest losses through the window, before anything is added to it.

        The window ends with the sample of that age.
        """
        recent = self.history[-self.truncation :]
        window = recent[: len(recent) - age]
        runs = self.run_again(window) if self.recomputed else [sample["run"] for sample in window]
        first = len(window) - self.loss_window
        sent_back = []
        for index, (sample, (_, top)) in enumerate(zip(window, runs, strict=True)):
            if index < first or sample["target"] is None:
                sent_back.append((np.zeros_like(top), {}))
                continue
            # The head is today's in either case.
            p = self.head.read(self.weights, top, sample["seen"])
            slope = self.slope(p, sample) / self.loss_window
            sent_back.append(self.head.send_back(self.weights, top, sample["seen"], slope))
        return window_gradient(self.cell, self.weights, [memos for memos, _ in runs], sent_back)

    def slope(self, p, sample):
        """The slope of one sample's loss: nothing from a target that is not known."""
        slope = np.array(self.loss.slope(p, sample["target"]), dtype=float)
        if np.ndim(sample["target"]) == 1:
            slope[np.isnan(sample["target"])] = 0.0
        return sample["weight"] * slope

    def run_again(self, window):
        runs = []
        states = window[0]["before"]
        for sample in window:
            states, memos = step(self.cell, self.weights, sample["x"], states)
            runs.append((memos, states[-1][0]))
        return runs

    def update(self, age):
        gradient = self.data_gradient(age)
        gradient = {name: g + self.l2 * self.weights[name] for name, g in gradient.items()}
        if not all(np.isfinite(g).all() for g in gradient.values()):
            self.counters["skipped"] += 1
            return
        clipped = self.clip(gradient)
        self.counters["clipped"] += any((clipped[name] != gradient[name]).any() for name in clipped)
        self.gradient = clipped
        lr = self.lr.get(self.counters["updates"]) if hasattr(self.lr, "get") else self.lr
        self.counters["updates"] += 1
        for name, g in clipped.items():
            theta = self.weights[name] * (1 - lr * self.weight_decay)
            theta = self.optimizer.step(self.slots[name], theta, g, lr, self.counters["updates"])
            self.weights[name] = np.sign(theta) * np.maximum(np.abs(theta) - lr * self.l1, 0)

    def clip(self, gradient):
        if self.clip_value is not None:
            limit = self.clip_value
            gradient = {name: np.clip(g, -limit, limit) for name, g in gradient.items()}
        if self.clip_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradient.values()))
            if norm > self.clip_norm:
                gradient = {name: g * (self.clip_norm / norm) for name, g in gradient.items()}
        return gradient

    def add_output(self):
        """One more output (a class nobody has seen): zero weights, zero optimiser slots."""
        for name in ("head.weight", "head.bias"):
            grow = [(0, 1)] + [(0, 0)] * (self.weights[name].ndim - 1)
            self.weights[name] = np.pad(self.weights[name], grow)
            self.slots[name] = {k: np.pad(v, grow) for k, v in self.slots[name].items()}
