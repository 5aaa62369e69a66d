"""``streamrnn warmup``: the options, and a call of `compiling.run`."""

from dataclasses import dataclass
from typing import Any

import click

from .options.values import Choice

EPILOG = """Exit codes: 0 done, 2 wrong use, 3 the folder took no more, 130 interrupted."""

TASKS = ("regression", "classification", "multilabel")


@dataclass(frozen=True)
class WarmupSettings:
    """The options of ``streamrnn warmup``, by their names on the command line."""

    cache_dir: str | None = None
    task: str = "both"
    cell: tuple[str, ...] = ("lstm", "gru")
    all_cells: bool = False
    loss: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    optimizer: tuple[str, ...] = ("adam",)
    activations: tuple[str, ...] = ("stored",)
    dtype: tuple[str, ...] = ("float32",)
    wide: bool = False
    shared: bool = False


def names(option: str, text: str) -> Any:
    """Return an option that may be repeated, each time with one name."""
    default = getattr(WarmupSettings, option)
    return click.option(
        f"--{option}",
        metavar="NAME",
        multiple=True,
        default=default,
        help=f"{text} May be repeated.",
    )


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@click.option(
    "--cache-dir",
    metavar="DIR",
    help="Folder for the compiled code; it is made if need be. Used by processes whose "
    "NUMBA_CACHE_DIR names it, which need not be able to write there.  [default: where streamrnn "
    "is installed, else the user's cache]",
)
@click.option(
    "--task",
    type=Choice(["both", *TASKS]),
    default=WarmupSettings.task,
    help="For RNNRegressor (and all others that predict numbers), RNNClassifier, both, or "
    "RNNMultiLabelClassifier.",
)
@names("cell", "Recurrent cell.")
@click.option("--all-cells", is_flag=True, help="Every cell there is.")
@click.option(
    "--loss",
    metavar="NAME",
    multiple=True,
    help="Loss. May be repeated; RNNTransformer has squared.  [default: huber for regression, "
    "cross_entropy for classification, binary_cross_entropy for multilabel]",
)
@click.option(
    "--head",
    metavar="NAME",
    multiple=True,
    help="Head. May be repeated; RNNTransformer and RNNAnomalyDetector have linear.  [default: rls "
    "for regression, with --shared linear_skip; linear_skip for classification and multilabel]",
)
@names("optimizer", "Optimizer.")
@names("activations", "stored or recomputed.")
@names("dtype", "float32 or float64.")
@click.option(
    "--wide",
    is_flag=True,
    help="Also the code for models of 256 units and more, which use several cores.",
)
@click.option("--shared", is_flag=True, help='Also the code for KeyedModel(weights="shared").')
def warmup(**options: Any) -> None:
    """Compile ahead of time, for container images and installations that cannot be written.

    Each combination of cell, loss, head, optimizer, activations and precision is code of its own
    and takes some seconds, once. All combinations of what is given are compiled. Rates compile
    nothing, and sizes only where several cores are used, from 256 units on.
    """
    settings = WarmupSettings(**options)

    from .compiling import run

    run(settings)
