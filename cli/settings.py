"""What the user asked ``streamrnn replay`` for, checked only as far as words go."""

from dataclasses import dataclass
from typing import Literal

Task = Literal["regression", "classification"]


@dataclass(frozen=True)
class Settings:
    """The options of ``streamrnn replay``, by their names on the command line.

    ``None`` stands for "not given"; what that means is said in the help of the option.
    """

    source: str = "river:WaterFlow"
    format: str | None = None
    target: str | None = None
    time: str | None = None
    drop: tuple[str, ...] = ()
    task: str = "auto"
    cell: str = "lstm"
    hidden_size: int = 32
    num_layers: int = 1
    truncation: int = 32
    update_every: int = 1
    optimizer: str = "adam"
    lr: float | None = None
    clip_norm: float = 1.0
    lags: int = 1
    seed: int = 42
    limit: int | None = None
    predictions: str | None = None
    metrics_json: str | None = None
    on_error: str = "stop"
    quiet: bool = False
