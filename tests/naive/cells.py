"""One step of each cell, and the same step backwards.

`forward` also takes complex numbers and leading batch axes, so that complex-step derivatives go
through it; `backward` takes plain vectors. A state is a tuple of vectors: `(h,)`, or `(h, c)` for
the LSTM. The memo of a step is what the step computed when it was made; `backward` reads gates
and states from the memo and only the two matrices from the weights it is given, which may be newer.
"""

from typing import NamedTuple

import numpy as np


class Layer(NamedTuple):
    """The weights of one layer; G gates, H units, I inputs."""

    w_ih: np.ndarray  # (G * H, I)
    w_hh: np.ndarray  # (G * H, H)
    b_ih: np.ndarray  # (G * H,)
    b_hh: np.ndarray  # (G * H,)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def times(matrix, vector):
    """Matrix times vector, whatever batch axes stand in front of either."""
    return (matrix @ vector[..., None])[..., 0]


class Elman:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""

    gates = 1
    states = 1

    def forward(self, w, x, state):
        (h,) = state
        a = times(w.w_ih, x) + w.b_ih + times(w.w_hh, h) + w.b_hh
        h_new = self.activation(a)
        return (h_new,), {"x": x, "h": h, "a": a, "h_new": h_new}

    def backward(self, w, memo, d_state):
        (d_h_new,) = d_state
        d_a = d_h_new * self.slope(memo)
        d_w = Layer(np.outer(d_a, memo["x"]), np.outer(d_a, memo["h"]), d_a, d_a)
        return (w.w_hh.T @ d_a,), w.w_ih.T @ d_a, d_w

    def activation(self, a):
        return np.tanh(a)

    def slope(self, memo):
        return 1 - memo["h_new"] ** 2


class ElmanReLU(Elman):
    """h' = max(0, W_ih x + b_ih + W_hh h + b_hh)."""

    def activation(self, a):
        return np.where(a.real > 0, a, 0)

    def slope(self, memo):
        return np.where(memo["a"] > 0, 1.0, 0.0)


class GRU:
    """r, z, n as in PyTorch: the reset gate acts after the recurrent product, with its own bias."""

    gates = 3
    states = 1

    def forward(self, w, x, state):
        (h,) = state
        r_x, z_x, n_x = np.split(times(w.w_ih, x) + w.b_ih, 3, axis=-1)
        r_h, z_h, n_h = np.split(times(w.w_hh, h) + w.b_hh, 3, axis=-1)
        r = sigmoid(r_x + r_h)
        z = sigmoid(z_x + z_h)
        n = np.tanh(n_x + r * n_h)
        h_new = (1 - z) * n + z * h
        return (h_new,), {"x": x, "h": h, "r": r, "z": z, "n": n, "n_h": n_h}

    def backward(self, w, memo, d_state):
        (d_h_new,) = d_state
        x, h, r, z, n, n_h = (memo[k] for k in ("x", "h", "r", "z", "n", "n_h"))
        d_n = d_h_new * (1 - z) * (1 - n**2)
        d_z = d_h_new * (h - n) * z * (1 - z)
        d_r = d_n * n_h * r * (1 - r)
        d_x_side = np.concatenate([d_r, d_z, d_n])
        d_h_side = np.concatenate([d_r, d_z, d_n * r])
        d_w = Layer(np.outer(d_x_side, x), np.outer(d_h_side, h), d_x_side, d_h_side)
        return (d_h_new * z + w.w_hh.T @ d_h_side,), w.w_ih.T @ d_x_side, d_w


class LSTM:
    """i, f, g, o; c' = f c + i g; h' = o tanh(c')."""

    gates = 4
    states = 2

    def forward(self, w, x, state):
        h, c = state
        a = times(w.w_ih, x) + w.b_ih + times(w.w_hh, h) + w.b_hh
        a_i, a_f, a_g, a_o = np.split(a, 4, axis=-1)
        i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
        c_new = f * c + i * g
        h_new = o * np.tanh(c_new)
        memo = {"x": x, "h": h, "c": c, "i": i, "f": f, "g": g, "o": o, "c_new": c_new}
        return (h_new, c_new), memo

    def backward(self, w, memo, d_state):
        d_h_new, d_c_new = d_state
        x, h, c, i, f, g, o, c_new = (memo[k] for k in ("x", "h", "c", "i", "f", "g", "o", "c_new"))
        d_o = d_h_new * np.tanh(c_new)
        d_c = d_c_new + d_h_new * o * (1 - np.tanh(c_new) ** 2)
        d_i, d_f, d_g = d_c * g, d_c * c, d_c * i
        d_a = np.concatenate(
            [d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)]
        )
        d_w = Layer(np.outer(d_a, x), np.outer(d_a, h), d_a, d_a)
        return (w.w_hh.T @ d_a, d_c * f), w.w_ih.T @ d_a, d_w


CELLS = {"rnn": Elman(), "rnn_relu": ElmanReLU(), "gru": GRU(), "lstm": LSTM()}
