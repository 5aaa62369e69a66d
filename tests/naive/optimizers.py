"""Optimisers as in torch.optim, one named array at a time.

`step(memory, theta, g, lr, n)` returns the new parameters; `memory` is this array's dictionary of
slots (empty before the first update) and n counts updates from 1. `pace(memories, gradients, lr,
loss, error, left)` comes first and returns the rate; memories and gradients are of all arrays, loss
and error those of the window, left what clipping has left of the gradient. What `pace` remembers
besides is under the name of "".
"""

import numpy as np


class SGD:
    weight_decay = 0.0

    def pace(self, memories, gradients, lr, loss, error, left):
        return lr

    def step(self, memory, theta, g, lr, n):
        return theta - lr * g


class Momentum(SGD):
    def step(self, memory, theta, g, lr, n):
        velocity = memory["v"] = 0.9 * memory.get("v", 0.0) + g
        return theta - lr * velocity


class Nesterov(SGD):
    def step(self, memory, theta, g, lr, n):
        velocity = memory["v"] = 0.9 * memory.get("v", 0.0) + g
        return theta - lr * (g + 0.9 * velocity)


class RMSProp(SGD):
    def step(self, memory, theta, g, lr, n):
        mean_square = memory["v"] = 0.99 * memory.get("v", 0.0) + 0.01 * g**2
        return theta - lr * g / (np.sqrt(mean_square) + 1e-8)


class AdaGrad(SGD):
    def step(self, memory, theta, g, lr, n):
        total = memory["v"] = memory.get("v", 0.0) + g**2
        return theta - lr * g / (np.sqrt(total) + 1e-10)


class Adam(SGD):
    def step(self, memory, theta, g, lr, n):
        mean = memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
        mean_square = memory["v"] = 0.999 * memory.get("v", 0.0) + 0.001 * g**2
        mean, mean_square = mean / (1 - 0.9**n), mean_square / (1 - 0.999**n)
        return theta - lr * mean / (np.sqrt(mean_square) + 1e-8)


class AdamW(Adam):
    weight_decay = 0.01


class ObGD(SGD):
    def pace(self, memories, gradients, lr, loss, error, left):
        error = error * left
        if error == 0:
            return lr
        z = sum(abs(g).sum() for g in gradients.values()) / error
        return lr / max(1.0, lr * 2.0 * max(error, 1.0) * z)


class Intentional(SGD):
    def pace(self, memories, gradients, lr, loss, error, left):
        along = 0.0
        for name, g in gradients.items():
            v = memories[name]["v"] = 0.999 * memories[name].get("v", 0.0) + 0.001 * g**2
            along += (g * g / (np.sqrt(v) + 1e-8)).sum()
        notes = memories.setdefault("", {})
        usual = notes.get("usual", 0.0)
        if usual > 0:
            loss = min(loss, 20**2 * usual)
        notes["usual"] = 0.999 * usual + 0.001 * loss if usual > 0 else loss
        return lr * 2 * left * loss / along if along > 0 else 0.0

    def step(self, memory, theta, g, lr, n):
        return theta - lr * g / (np.sqrt(memory["v"]) + 1e-8)


OPTIMIZERS = {
    "sgd": SGD(),
    "momentum": Momentum(),
    "nesterov": Nesterov(),
    "rmsprop": RMSProp(),
    "adagrad": AdaGrad(),
    "adam": Adam(),
    "adamw": AdamW(),
    "obgd": ObGD(),
    "intentional": Intentional(),
}
