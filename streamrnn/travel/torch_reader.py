"""Find the two modules that travel inside a user's PyTorch module. Imports torch."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple, TypeVar

from torch import nn
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.loss import _Loss

from streamrnn.travel.torch_module import RecurrentModule

Kind = TypeVar("Kind", bound=nn.Module)

#: Modules without weights that change no prediction, or have no part in it.
_HARMLESS = (nn.Identity, _DropoutNd, _Loss)


class Found(NamedTuple):
    """What was found: the cell's name, the weights, and what our own module adds to them."""

    cell: str
    arrays: dict[str, Any]
    decoding: str | None = None
    features: list[Hashable] | None = None
    labels: list[Hashable] | None = None


def read(module: nn.Module) -> Found:
    """Find one recurrent and one linear module, and nothing else that would matter.

    What ``forward`` does with them cannot be seen.

    Raises
    ------
    ValueError
        If there are more, fewer or other modules or parameters.
    """
    for part in module.modules():
        if isinstance(part, RecurrentModule):  # ours, perhaps wrapped in others
            own = (
                (part.rnn, part.head)
                if part.targets is None
                else (part.rnn, part.head, part.targets)
            )
            _refuse_others(module, own)
            return Found(
                cell=_cell(part.rnn),
                arrays=dict(part.state_dict()),
                decoding=part.decoding,
                features=part.feature_names,
                labels=part.labels,
            )
    at, rnn = _only(module, nn.RNNBase, "nn.LSTM, nn.GRU or nn.RNN")
    head_at, head = _only(module, nn.Linear, "nn.Linear")
    _refuse_others(module, (rnn, head))
    arrays = {f"{at}.{name}": value for name, value in rnn.state_dict().items()}
    arrays |= {f"{head_at}.{name}": value for name, value in head.state_dict().items()}
    return Found(_cell(rnn), arrays)


def _only(module: nn.Module, kind: type[Kind], words: str) -> tuple[str, Kind]:
    found = [(name, part) for name, part in module.named_modules() if isinstance(part, kind)]
    if len(found) != 1:
        names = [name for name, _ in found]
        raise ValueError(f"the module must hold one {words}, it holds {len(found)}: {names}")
    return found[0]


def _refuse_others(module: nn.Module, kept: tuple[nn.Module, ...]) -> None:
    ours = {id(parameter) for part in kept for parameter in part.parameters()}
    foreign = [name for name, parameter in module.named_parameters() if id(parameter) not in ours]
    if foreign:
        raise ValueError(f"an estimator has no place for the parameters {foreign}")
    for name, part in module.named_modules():
        is_leaf = next(part.children(), None) is None
        if is_leaf and part not in kept and not isinstance(part, _HARMLESS):
            raise ValueError(
                f"{name!r} is a {type(part).__name__}, and an estimator computes Linear(RNN(x)); "
                "if that is what your module does without it, give module.state_dict()"
            )


def _cell(rnn: nn.RNNBase) -> str:
    if isinstance(rnn, nn.RNN):
        return {"tanh": "rnn", "relu": "rnn_relu"}[rnn.nonlinearity]
    return "lstm" if isinstance(rnn, nn.LSTM) else "gru"
