"""What the user asked a run for, checked only as far as words go."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Task = Literal["regression", "classification"]

#: What decides what is predicted: a run that goes on must have the same.
DECIDING = (
    *("format", "target", "time", "drop", "task", "key", "id", "delay", "encode", "calendar"),
    *("cell", "hidden_size", "num_layers", "truncation", "update_every", "optimizer", "lr"),
    *(
        "head",
        "loss",
        "drift",
        "drift_action",
        "clip_norm",
        "lags",
        "seed",
        "baselines",
        "max_keys",
        "on_error",
        "frozen",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The options of ``streamrnn replay`` and ``streamrnn live``, by their names there.

    ``None`` stands for "not given"; what that means is said in the help of the option.
    """

    source: str = "river:WaterFlow"
    format: str | None = None
    target: str | None = None
    time: str | None = None
    key: str | None = None
    id: str | None = None
    delay: int = 0
    drop: tuple[str, ...] = ()
    encode: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    task: str = "auto"
    cell: str = "lstm"
    hidden_size: int = 32
    num_layers: int = 1
    truncation: int = 32
    update_every: int = 1
    optimizer: str = "adam"
    lr: float | None = None
    clip_norm: float = 1.0
    head: str | None = None
    loss: str | None = None
    drift: str | None = None
    drift_action: str = "raise_lr"
    lags: int = 1
    seed: int = 42
    #: Where the network runs: no part of `DECIDING`, since a run may go on on another machine.
    backend: str = "cpu"
    max_keys: int = 10_000
    baselines: str | None = None
    limit: int | None = None
    model: str | None = None
    save: str | None = None
    checkpoint: str | None = None
    checkpoint_every: str = "30s"
    resume: bool = False
    predictions: str | None = None
    dead_letter: str | None = None
    metrics_json: str | None = None
    report: str | None = None
    on_error: str | None = None
    live_view: bool = False
    serve: int | None = None
    quiet: bool = False
    is_live: bool = False
    #: Whether the model is to stay as it is, and which columns need not be there then.
    frozen: bool = False
    assumed: tuple[str, ...] = ()
    #: Whether no column is a feature: a series by itself.
    alone: bool = False

    @property
    def skips(self) -> bool:
        """Whether rows that cannot be used are left out."""
        if self.on_error is None:
            # A service should not end because somebody sent nonsense.
            return self.is_live or self.dead_letter is not None
        return self.on_error == "skip"

    @property
    def keeps(self) -> bool:
        """Whether what was done stays if the run ends before the source does."""
        return self.is_live or self.checkpoint is not None

    @property
    def rivals_are_simple(self) -> bool:
        """Whether rows, or what is kept of them, allow simple baselines only."""
        return self.keeps or self.id is not None or self.delay > 0 or self.key is not None

    @property
    def rivals(self) -> str:
        """Which baselines play."""
        # Beside a model that learns nothing, one that learns all the time would be no measure.
        return self.baselines or ("simple" if self.rivals_are_simple or self.frozen else "all")

    @property
    def watched(self) -> bool:
        """Whether somebody wants to see how the run goes."""
        return self.report is not None or self.live_view or self.serve is not None

    def deciding(self) -> dict[str, Any]:
        """Return what decides what is predicted, as JSON says it."""
        found = asdict(self)
        return {
            name: list(found[name]) if isinstance(found[name], tuple) else found[name]
            for name in DECIDING
        }
