"""PyTorch, unrolled from the carried state and driven by autograd, ends with the same weights.

Adam divides by the root of the mean square gradient: where the true gradient is zero up to
rounding (1e-17, say), rounding alone would decide the sign of a whole step. The data avoid it:
inputs and targets of order one and noisy, random weights of order 0.4, ten units, so that every
gradient that is not exactly zero is many orders above 1e-8.
"""

import numpy as np
import pytest
from estimator_helpers import plain
from naive import LOSSES, OPTIMIZERS, Twin, random_weights

import streamrnn

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: parity with it is not tested (extra 'torch')"
)

N_INPUTS, N_HIDDEN, TRUNCATION, UPDATES = 9, 10, 11, 200
LR = {"sgd": 0.05, "adam": 0.01}
CLIP_NORM = 1.0


@pytest.fixture(autouse=True)
def one_thread():
    """Threads of torch only get in each other's way on matrices as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class TorchLearner:
    """`recomputed` truncated BPTT with nn.LSTM, nn.GRU or nn.RNN, nn.Linear and torch.optim."""

    def __init__(self, cell, weights, num_layers, update_every, loss_window, optimizer, clip_norm):
        kind, more = {
            "lstm": (torch.nn.LSTM, {}),
            "gru": (torch.nn.GRU, {}),
            "rnn": (torch.nn.RNN, {"nonlinearity": "tanh"}),
            "rnn_relu": (torch.nn.RNN, {"nonlinearity": "relu"}),
        }[cell]
        self.net = kind(N_INPUTS, N_HIDDEN, num_layers, dtype=torch.float64, **more)
        self.head = torch.nn.Linear(N_HIDDEN, 1, dtype=torch.float64)
        self.parameters = dict(self.net.named_parameters())
        self.parameters |= {f"head.{name}": p for name, p in self.head.named_parameters()}
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(torch.from_numpy(weights[name]))
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
        self.optimizer = kinds[optimizer](self.parameters.values(), lr=LR[optimizer])
        self.update_every, self.loss_window, self.clip_norm = update_every, loss_window, clip_norm
        state = torch.zeros(num_layers, N_HIDDEN, dtype=torch.float64)
        self.state = (state, state) if cell == "lstm" else state
        self.history = []
        self.clipped = 0

    def learn(self, x, y):
        x = torch.from_numpy(x)
        self.history.append((x, y, self.state))
        with torch.no_grad():
            _, self.state = self.net(x[None], self.state)
        if len(self.history) % self.update_every == 0:
            self.update()

    def update(self):
        window = self.history[-TRUNCATION:]
        tops, _ = self.net(torch.stack([x for x, _, _ in window]), window[0][2])
        p = self.head(tops)[-self.loss_window :, 0]
        y = torch.tensor([y for _, y, _ in window[-self.loss_window :]], dtype=torch.float64)
        self.optimizer.zero_grad()
        (((p - y) ** 2).sum() / self.loss_window).backward()
        if self.clip_norm is not None:
            self.clip()
        self.optimizer.step()

    def clip(self):
        """By hand: torch's own clip_grad_norm_ adds 1e-6 to the norm it divides by."""
        norm = torch.cat([p.grad.ravel() for p in self.parameters.values()]).norm()
        if norm > self.clip_norm:
            self.clipped += 1
            for p in self.parameters.values():
                p.grad *= self.clip_norm / norm

    def weights(self):
        return {name: p.detach().numpy() for name, p in self.parameters.items()}


def stream(length):
    """Noise in, and a target that needs the inputs of two and five steps ago."""
    rng = np.random.default_rng(7)
    xs = rng.normal(size=(length, N_INPUTS))
    past = np.vstack([np.zeros((5, N_INPUTS)), xs])
    ys = 0.8 * past[3:-2, 0] * past[5:, 1] - past[:-5, 2] + 0.3 * rng.normal(size=length)
    return xs, ys


GRID = [
    (cell, num_layers, loss_window, update_every, "sgd")
    for cell in ("rnn", "rnn_relu", "gru", "lstm")
    for num_layers in (1, 2)
    for loss_window, update_every in ((1, 1), (4, 1), (4, 2))
] + [
    ("lstm", num_layers, 4, update_every, "adam")
    for num_layers in (1, 2)
    for update_every in (1, 2)
]


@pytest.mark.parametrize(("cell", "num_layers", "loss_window", "update_every", "optimizer"), GRID)
def test_weights_after_200_updates(cell, num_layers, loss_window, update_every, optimizer):
    weights = random_weights(cell, N_INPUTS, N_HIDDEN, num_layers, seed=3, scale=0.4)
    truth = TorchLearner(cell, weights, num_layers, update_every, loss_window, optimizer, CLIP_NORM)
    model = plain(
        streamrnn.RNNRegressor,
        cell=cell,
        hidden_size=N_HIDDEN,
        num_layers=num_layers,
        truncation=TRUNCATION,
        update_every=update_every,
        loss_window=loss_window,
        activations="recomputed",
        optimizer=optimizer,
        lr=LR[optimizer],
        clip_norm=CLIP_NORM,
        scale_inputs=False,
        scale_target=False,
        dtype="float64",
    )
    model.set_weights(weights, features=list("abcdefghi"))
    for x, y in zip(*stream(UPDATES * update_every), strict=True):
        truth.learn(x, y)
        model.learn_one(dict(zip("abcdefghi", x.tolist(), strict=True)), y)
    assert model.counters["updates"] == UPDATES
    assert 0 < model.counters["clipped"] == truth.clipped < UPDATES
    found = model.get_weights()
    for name, array in truth.weights().items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-9, err_msg=name)
    assert moved(weights, found) > 0.02


@pytest.mark.parametrize(("cell", "num_layers", "loss_window", "update_every", "optimizer"), GRID)
def test_the_slow_twin_agrees_with_pytorch(cell, num_layers, loss_window, update_every, optimizer):
    """Fewer updates, no clipping: it is the definitions that are compared here."""
    weights = random_weights(cell, N_INPUTS, N_HIDDEN, num_layers, seed=3, scale=0.4)
    truth = TorchLearner(cell, weights, num_layers, update_every, loss_window, optimizer, None)
    twin = Twin(
        cell,
        weights,
        truncation=TRUNCATION,
        update_every=update_every,
        loss_window=loss_window,
        activations="recomputed",
        optimizer=optimizer,
        lr=LR[optimizer],
    )
    for x, y in zip(*stream(30), strict=True):
        truth.learn(x, y)
        twin.learn(x, y)
    for name, array in truth.weights().items():
        np.testing.assert_allclose(twin.weights[name], array, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, lr=0.1)),
        ("momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        ("nesterov", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p, lr=0.1)),
        ("adagrad", lambda p: torch.optim.Adagrad(p, lr=0.1)),
        ("adam", lambda p: torch.optim.Adam(p, lr=0.1)),
        ("adamw", lambda p: torch.optim.AdamW(p, lr=0.1)),
    ],
)
def test_the_slow_optimizers_are_those_of_pytorch(name, make):
    rng = np.random.default_rng(1)
    theta = rng.normal(size=7)
    parameter = torch.tensor(theta, requires_grad=True)
    optimizer, slow, slots = make([parameter]), OPTIMIZERS[name], {}
    for n in range(1, 30):
        g = rng.normal(size=7)
        parameter.grad = torch.tensor(g)
        optimizer.step()
        theta = slow.step(slots, theta * (1 - 0.1 * slow.weight_decay), g, 0.1, n)
        np.testing.assert_allclose(theta, parameter.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("squared", torch.nn.functional.mse_loss),
        ("absolute", torch.nn.functional.l1_loss),
        ("huber", torch.nn.functional.huber_loss),
        ("logistic", torch.nn.functional.binary_cross_entropy_with_logits),
    ],
)
def test_the_slow_losses_are_those_of_pytorch(name, function):
    for p in np.linspace(-2.3, 2.1, 9):
        for y in (0.0, 1.0):
            truth = function(
                torch.tensor(p, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
            ).item()
            assert LOSSES[name].value(np.array([p]), y) == pytest.approx(truth, rel=1e-12)


def test_the_slow_cross_entropy_is_that_of_pytorch():
    p = np.array([0.3, -1.2, 2.0])
    for y in range(3):
        truth = torch.nn.functional.cross_entropy(torch.tensor(p), torch.tensor(y)).item()
        assert LOSSES["cross_entropy"].value(p, y) == pytest.approx(truth, rel=1e-12)


def moved(before, after):
    return max(abs(after[name] - before[name]).max() for name in before)
