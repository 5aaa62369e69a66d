"""Gradients of a stack of layers with a linear head: by hand, by complex step, and use by use.

A target None marks a sample without a loss.
"""

import numpy as np

from naive.cells import CELLS, Layer
from naive.heads import Linear


def random_weights(cell, n_inputs, n_hidden, num_layers=1, n_out=1, seed=0, scale=0.6):
    """Weights of order `scale`, none of them zero, under PyTorch's names."""
    rng = np.random.default_rng(seed)
    rows = CELLS[cell].gates * n_hidden
    shapes = {}
    for layer in range(num_layers):
        shapes[f"weight_ih_l{layer}"] = (rows, n_inputs if layer == 0 else n_hidden)
        shapes[f"weight_hh_l{layer}"] = (rows, n_hidden)
        shapes[f"bias_ih_l{layer}"] = (rows,)
        shapes[f"bias_hh_l{layer}"] = (rows,)
    shapes["head.weight"] = (n_out, n_hidden)
    shapes["head.bias"] = (n_out,)
    return {name: rng.uniform(-scale, scale, shape) for name, shape in shapes.items()}


def layers_of(weights):
    """The layers from the bottom up, each with its four arrays."""
    count = sum(name.startswith("weight_hh_l") for name in weights)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return [Layer(*(weights[f"{name}_l{layer}"] for name in names)) for layer in range(count)]


def zero_states(cell, weights):
    return [
        tuple(np.zeros(layer.w_hh.shape[-1]) for _ in range(CELLS[cell].states))
        for layer in layers_of(weights)
    ]


def step(cell, weights, x, states):
    """One sample through all layers: the new states, and the memos."""
    new_states, memos = [], []
    below = x
    for layer, state in zip(layers_of(weights), states, strict=True):
        state, memo = CELLS[cell].forward(layer, below, state)
        new_states.append(state)
        memos.append(memo)
        below = state[0]
    return new_states, memos


def step_back(cell, weights, memos, d_states, d_top):
    """One sample backwards: dL/d(states before), and what this step adds to the gradient."""
    d_before, parts = [], {}
    d_below = d_top
    for index, layer in reversed(list(enumerate(layers_of(weights)))):
        d_h, *d_others = d_states[index]
        d_state, d_below, d_w = CELLS[cell].backward(
            layer, memos[index], (d_h + d_below, *d_others)
        )
        d_before.insert(0, d_state)
        parts[f"weight_ih_l{index}"], parts[f"weight_hh_l{index}"] = d_w.w_ih, d_w.w_hh
        parts[f"bias_ih_l{index}"], parts[f"bias_hh_l{index}"] = d_w.b_ih, d_w.b_hh
    return d_before, parts


def window_gradient(cell, weights, memos_of_steps, sent_back):
    """The gradient through a window; `sent_back` is what heads send: dL/dh, and their gradient."""
    gradient = {name: np.zeros_like(array) for name, array in weights.items()}
    d_states = zero_states(cell, weights)
    for memos, (d_top, of_head) in reversed(list(zip(memos_of_steps, sent_back, strict=True))):
        d_states, parts = step_back(cell, weights, memos, d_states, d_top)
        for name, part in (parts | of_head).items():
            gradient[name] += part
    return gradient


def run_stream(cell, loss, weights_by_step, xs, ys):
    """The losses of a stream from the zero state, every step with its own copy of the weights."""
    states = zero_states(cell, weights_by_step[0])
    losses = []
    for weights, x, y in zip(weights_by_step, xs, ys, strict=True):
        states, _ = step(cell, weights, x, states)
        p = Linear().read(weights, states[-1][0], x)
        losses.append(0.0 if y is None else loss.value(p, y))
    return losses


def nudged(weights):
    """Every parameter moved by 1e-30 i, one after the other, along a new first axis."""
    total = sum(array.size for array in weights.values())
    copies, start = {}, 0
    for name, array in weights.items():
        nudge = np.zeros((total, array.size), dtype=complex)
        nudge[start : start + array.size] = 1e-30j * np.eye(array.size)
        copies[name] = array + nudge.reshape(total, *array.shape)
        start += array.size
    return copies


def complex_step(function, weights):
    """The gradient of `function(weights)`, to the last digits and without one line of calculus."""
    total = sum(array.size for array in weights.values())
    flat = np.broadcast_to(np.imag(function(nudged(weights))) / 1e-30, (total,))
    return unflatten(flat, weights)


def unflatten(flat, like):
    gradient, start = {}, 0
    for name, array in like.items():
        gradient[name] = flat[start : start + array.size].reshape(array.shape)
        start += array.size
    return gradient


def credit_tensor(cell, loss, weights, xs, ys):
    """`credit[s, u]`: the derivative of the loss at s to the (flat) weights used at step u."""
    length = len(xs)
    total = sum(array.size for array in weights.values())
    credit = np.zeros((length, length, total))
    for u in range(length):
        by_step = [weights] * length
        by_step[u] = nudged(weights)
        for s, value in enumerate(run_stream(cell, loss, by_step, xs, ys)):
            credit[s, u] = np.imag(value) / 1e-30
    return credit


def masked_sum(credit, t, truncation, loss_window):
    """The truncated gradient after t samples: the newest losses, the newest uses, weighted 1/m."""
    losses = slice(max(0, t - loss_window), t)
    uses = slice(max(0, t - truncation), t)
    return credit[losses, uses].sum(axis=(0, 1)) / loss_window
