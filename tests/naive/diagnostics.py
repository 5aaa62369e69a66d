"""What goes on inside a twin: derivatives of one loss to every hidden state, and gates."""

import numpy as np

from naive.cells import CELLS
from naive.gradients import layers_of, step, zero_states


def window_of(twin):
    """The window up to the newest sample with a target that is known, in part at least."""
    window = twin.history[-twin.truncation :]
    while window and not has_target(window[-1]):
        window = window[:-1]
    return window


def has_target(sample):
    return sample["target"] is not None and np.isfinite(sample["target"]).any()


def slope(twin, z, target):
    found = np.array(twin.loss.slope(z, target), dtype=float)
    return np.where(np.isnan(target), 0.0, found) if np.ndim(target) == 1 else found


def gradient_profile(twin):
    """Norms of dL/dh, (layers, steps), by hand: the chain rule through what each step was."""
    window = window_of(twin)
    layers, cell = layers_of(twin.weights), CELLS[twin.cell]
    if not window:
        return np.zeros((len(layers), 0))
    runs = twin.run_again(window) if twin.recomputed else [sample["run"] for sample in window]
    top, seen, target = runs[-1][1], window[-1]["seen"], window[-1]["target"]
    z = twin.head.read(twin.weights, top, seen)
    d_top, _ = twin.head.send_back(twin.weights, top, seen, slope(twin, z, target))
    d_states, norms = zero_states(twin.cell, twin.weights), []
    for memos, _ in reversed(runs):
        d_below, column = d_top, []
        for index in reversed(range(len(layers))):
            d_h, *others = d_states[index]
            column.insert(0, np.linalg.norm(d_h + d_below))
            d_state = (d_h + d_below, *others)
            d_states[index], d_below, _ = cell.backward(layers[index], memos[index], d_state)
        norms.append(column)
        d_top = np.zeros_like(top)
    return np.array(norms).T


def complex_profile(twin):
    """The same of a window that is run again, without calculus: each hidden unit is nudged."""
    window = window_of(twin)
    n_layers, H = len(layers_of(twin.weights)), len(window[0]["run"][1])
    norms = np.zeros((n_layers, len(window)))
    for layer in range(n_layers):
        for lag in range(len(window)):
            nudges = [nudged_loss(twin, window, layer, lag, unit) for unit in range(H)]
            norms[layer, lag] = np.linalg.norm(np.imag(nudges) / 1e-30)
    return norms


def nudged_loss(twin, window, layer, lag, unit):
    states = window[0]["before"]
    for back, sample in zip(reversed(range(len(window))), window, strict=True):
        below, new_states = sample["x"], []
        for index, weights in enumerate(layers_of(twin.weights)):
            state, _ = CELLS[twin.cell].forward(weights, below, states[index])
            if (index, back) == (layer, lag):
                h = state[0].astype(complex)
                h[unit] += 1e-30j
                state = (h, *state[1:])
            new_states.append(state)
            below = state[0]
        states = new_states
    z = twin.weights["head.weight"] @ states[-1][0] + twin.weights["head.bias"]
    return twin.loss.value(z, window[-1]["target"])


GATES = {
    "rnn": {"hidden": "h_new"},
    "rnn_relu": {"hidden": "h_new"},
    "gru": {"reset": "r", "update": "z", "new": "n"},
    "lstm": {"input": "i", "forget": "f", "cell": "g", "output": "o"},
}
TANH = {"hidden", "new", "cell"}


def gate_saturation(twin):
    """Today's weights on what each step saw."""
    window, states = twin.history[-twin.truncation :], None
    found = {name: [] for name in GATES[twin.cell]}
    for sample in window:
        if twin.recomputed:
            states, memos = step(twin.cell, twin.weights, sample["x"], states or sample["before"])
        else:
            memos = [
                CELLS[twin.cell].forward(layer, memo["x"], [memo[s] for s in "hc" if s in memo])[1]
                for layer, memo in zip(layers_of(twin.weights), sample["run"][0], strict=True)
            ]
        for name, key in GATES[twin.cell].items():
            for memo in memos:
                found[name].append(is_saturated(twin.cell, name, memo[key]))
    return {name: np.mean(shares) for name, shares in found.items()}


def is_saturated(cell, name, values):
    if cell == "rnn_relu":
        return values == 0
    return abs(values) > 0.95 if name in TANH else (values < 0.05) | (values > 0.95)
