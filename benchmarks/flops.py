"""Floating-point operations a sample, counted from the algorithm.

A multiplication, an addition, a division, a root count as one each, and so does a whole sigmoid or
tanh, which takes some twenty: the count is rather too low, and so is the share of the machine's
speed that is made of it. With H units, n inputs to a layer, G_x and G_h gates reached by inputs and
by the state (LSTM: 4 and 4), truncation K, an update with every u-th sample, P parameters:

- forward products, each step: 2 H (n G_x + H G_h); one step a sample, and K more an update where
  activations are recomputed;
- back through time, each update: (K - 1) products of 2 G_h H²;
- weight gradient, each update: K times 2 H (n G_x + H G_h), and H (G_x + G_h) sums for the biases;
- down to the layer below, each update and layer but the lowest: K products of 2 G_x H²;
- the cells' own arithmetic: so many operations a unit and step, see `FORWARD` and `BACKWARD`;
- head, each sample 2 H, each update 6 H;
- norm, 2 P, and Adam, 13 P, each update.

Scaling of inputs and targets is left out.
"""

from __future__ import annotations

from typing import Any

#: Gates reached by inputs and by the state.
GATES = {"lstm": (4, 4), "gru": (3, 3), "rnn": (1, 1)}
#: Operations a unit in a step forward, with the local derivatives and the two biases, and back.
#: LSTM: 5 sigmoids and tanhs, 4 for c' and h', 15 for derivatives, 8 biases; back 7.
#: GRU: 3, 5 for the candidate and h', 12, 6; back 5. Elman: 1, 0, 2, 2; back 1.
FORWARD = {"lstm": 32, "gru": 26, "rnn": 5}
BACKWARD = {"lstm": 7, "gru": 5, "rnn": 1}
NORM, ADAM = 2, 13


def count(job: dict[str, Any]) -> dict[str, float]:
    """Return operations a sample by kind, for a job of ours."""
    cell, layers = job.get("cell", "lstm"), job.get("layers", 1)
    H, K = job["units"], job["truncation"]
    of_input, of_state = GATES[cell]
    updates = 1 / 16 if job["variant"] == "every16" else 1.0  # a sample
    steps = 1 + (K * updates if job["variant"] == "recomputed" else 0)
    parts = dict.fromkeys(("forward", "through_time", "weight_gradient", "down", "cells"), 0.0)
    parameters = H + 1
    for layer in range(layers):
        n = job["inputs"] if layer == 0 else H
        product, biases = 2 * H * (n * of_input + H * of_state), H * (of_input + of_state)
        parts["forward"] += steps * product
        parts["through_time"] += updates * (K - 1) * 2 * of_state * H * H
        parts["weight_gradient"] += updates * K * (product + biases)
        parts["down"] += updates * K * 2 * of_input * H * H if layer else 0
        parts["cells"] += H * (steps * FORWARD[cell] + updates * K * BACKWARD[cell])
        parameters += product // 2 + biases
    parts["head"] = 2 * H + updates * 6 * H
    parts["norm_and_adam"] = updates * (NORM + ADAM) * parameters
    return parts
