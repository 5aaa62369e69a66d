"""One learner as slowly as can be, whose every operation and every access to an array is counted.

Numbers are objects that count what is done with them; arrays are read and written through one
place that counts elements. What it does is held against the engine.
"""

import math
from collections import Counter

import numpy as np
from device.jobs import BETA1, BETA2, CLIP_NORM, EPS

OPERATIONS = Counter()
KIND = ["none"]


class Counted:
    """A number; each operation on it counts under the kind that is set."""

    def __init__(self, value):
        self.value = float(value)


def _operator(name):
    def apply(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array does it, number by number
        OPERATIONS[KIND[0]] += 1
        return Counted(getattr(self.value, name)(getattr(other, "value", other)))

    return apply


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv"):
    setattr(Counted, f"__{_name}__", _operator(f"__{_name}__"))


def _function(function):
    def apply(number):
        OPERATIONS[KIND[0]] += 1
        return Counted(function(number.value))

    return np.vectorize(apply, otypes=[object])


sigmoid = _function(lambda value: 1 / (1 + math.exp(-value)))
tanh = _function(math.tanh)
root = _function(math.sqrt)
counted = np.vectorize(Counted, otypes=[object])


class Memory:
    """Arrays by ``group.name``; counts the elements that are read and written, by group."""

    def __init__(self, **arrays):
        self.arrays = {name.replace("__", "."): counted(array) for name, array in arrays.items()}
        self.read, self.written = Counter(), Counter()

    def get(self, name, where=...):
        found = np.array(self.arrays[name][where])
        self.read[name.partition(".")[0]] += found.size
        return found

    def put(self, name, value, where=...):
        self.arrays[name][where] = value
        self.written[name.partition(".")[0]] += np.asarray(value).size

    def size(self, group):
        return sum(a.size for name, a in self.arrays.items() if name.partition(".")[0] == group)


class Twin:
    def __init__(self, job, weights):
        self.job = job
        n, H, K = job.inputs, job.units, job.truncation
        first = {name.replace(".", "_"): array[0] for name, array in weights.items()}
        self.names = list(first)
        arrays = {f"parameters__{name}": array for name, array in first.items()}
        for kind in ("slots__mean_", "slots__square_", "gradient__"):
            arrays |= {f"{kind}{name}": np.zeros_like(array) for name, array in first.items()}
        ring = {"x": n, "before": H, "factors": 6 * H, "after": H}
        if job.activations == "stored":
            arrays |= {f"memory__{name}": np.zeros((K, width)) for name, width in ring.items()}
            self.tape = "memory"
        else:
            arrays |= {f"tape__{name}": np.zeros((K, width)) for name, width in ring.items()}
            kept = {"x": n, "h": H, "c": H}
            arrays |= {f"memory__{name}": np.zeros((K, width)) for name, width in kept.items()}
            self.tape = "tape"
        arrays |= {"deltas__all": np.zeros((K, 4 * H)), "state__both": np.zeros((2, H))}
        self.memory = Memory(**arrays)
        self.samples = 0

    def step(self, x, h, c):
        get = self.memory.get
        KIND[0] = "cells"
        pre = get("parameters.bias_ih_l0") + get("parameters.bias_hh_l0")
        KIND[0] = "forward"
        pre = pre + get("parameters.weight_ih_l0") @ x + get("parameters.weight_hh_l0") @ h
        KIND[0] = "cells"
        i, f, g, o = np.split(pre, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        new = f * c + i * g
        squashed = tanh(new)
        factors = [
            g * (i - i * i),
            c * (f - f * f),
            i - i * g * g,
            squashed * (o - o * o),
            o - o * squashed * squashed,
            f,
        ]
        return o * squashed, new, np.concatenate(factors)

    def read(self, h):
        KIND[0] = "head"
        weight, bias = (self.memory.get(f"parameters.head_{name}") for name in ("weight", "bias"))
        return (weight @ h + bias)[0]

    def learn(self, x, y):
        x, get, put = counted(x), self.memory.get, self.memory.put
        slot, K = self.samples % self.job.truncation, self.job.truncation
        self.samples += 1
        h, c = get("state.both")
        new, new_c, factors = self.step(x, h, c)
        prediction = self.read(new)
        put("state.both", np.stack([new, new_c]))
        order = [(slot - back) % K for back in range(min(K, self.samples))]
        if self.tape == "memory":
            self.keep(slot, x, h, factors, new)
        else:
            for name, value in (("x", x), ("h", h), ("c", c)):
                put(f"memory.{name}", value, slot)
            h, c = get("memory.h", order[-1]), get("memory.c", order[-1])
            for r in reversed(order):
                x, before = get("memory.x", r), h
                h, c, factors = self.step(x, h, c)
                self.keep(r, x, before, factors, h)
        self.sweep(order, y)
        self.update()
        return prediction.value

    def keep(self, r, *values):
        for name, value in zip(("x", "before", "factors", "after"), values, strict=True):
            self.memory.put(f"{self.tape}.{name}", value, r)

    def sweep(self, order, y):
        get, put, H = self.memory.get, self.memory.put, self.job.units
        h = get(f"{self.tape}.after", order[0])
        z = self.read(h)
        slope = (z - y) + (z - y)
        put("gradient.head_weight", [slope * h])
        put("gradient.head_bias", [slope])
        d_h, d_c = slope * get("parameters.head_weight")[0], counted(np.zeros(H))
        for r in order:
            KIND[0] = "cells"
            f = get(f"{self.tape}.factors", r).reshape(6, H)
            d_c = d_c + d_h * f[4]
            put("deltas.all", np.concatenate([d_c * f[0], d_c * f[1], d_c * f[2], d_h * f[3]]), r)
            d_c = d_c * f[5]
            if r != order[-1]:
                KIND[0] = "through_time"
                d_h = get("deltas.all", r) @ get("parameters.weight_hh_l0")
        KIND[0] = "weight_gradient"
        for which, rows in (("ih", "x"), ("hh", "before")):
            inputs = get(f"{self.tape}.{rows}", order)
            put(f"gradient.weight_{which}_l0", get("deltas.all", order).T @ inputs)
            put(f"gradient.bias_{which}_l0", get("deltas.all", order).sum(0))

    def update(self):
        get, put = self.memory.get, self.memory.put
        KIND[0] = "norm_and_adam"
        gradients = [get(f"gradient.{name}").ravel() for name in self.names]
        norm = math.sqrt(sum(np.dot(g, g).value for g in gradients))
        shrink = min(1.0, CLIP_NORM / norm)
        rate, unbiased = self.job.lr / (1 - BETA1**self.samples), (1 - BETA2**self.samples) ** -0.5
        for name in self.names:
            g = get(f"gradient.{name}") * shrink
            mean = BETA1 * get(f"slots.mean_{name}") + (1 - BETA1) * g
            square = BETA2 * get(f"slots.square_{name}") + (1 - BETA2) * g * g
            put(f"slots.mean_{name}", mean)
            put(f"slots.square_{name}", square)
            moved = get(f"parameters.{name}") - rate * mean / (root(square) * unbiased + EPS)
            put(f"parameters.{name}", moved)
