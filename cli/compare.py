"""``streamrnn compare``: the options, and a call of `comparing.run`."""

from typing import Any

import click

from .checks import check
from .comparing.chart import check_chart
from .comparing.settings import VARIED, CompareSettings
from .options import POSITIVE, check_files, recorded_options, source_argument
from .options.group import group
from .options.lists import COUNTS, RATES, WORDS, Several
from .options.network import (
    CLIP_NORM,
    DRIFT,
    DRIFT_ACTION,
    HEAD,
    LAGS,
    LOSS,
    NUM_LAYERS,
    SEED,
    UPDATE_EVERY,
)
from .options.output import BASELINES, METRICS_JSON, QUIET
from .settings import Settings

EPILOG = """Exit codes: 0 done, 2 wrong use, 3 wrong data, 130 interrupted, 143 terminated."""

#: How each of `VARIED` is read.
READERS: dict[str, Several] = dict(zip(VARIED, (WORDS, COUNTS, COUNTS, WORDS, RATES), strict=True))

#: Enough to see what matters most, which is the cell and how far back the gradient goes.
CELLS, TRUNCATIONS = "lstm,gru", "8,32"


def _list(name: str, default: Any, text: str) -> Any:
    kind = READERS[name.replace("-", "_")]
    return click.option(f"--{name}", metavar="LIST", type=kind, default=default, help=text)


varied_options = group(
    _list("cell", CELLS, "Recurrent cells, with commas in between, as all lists here."),
    _list("hidden-size", str(Settings.hidden_size), "Units in each layer."),
    _list("truncation", TRUNCATIONS, "How many rows back the gradient goes."),
    _list("optimizer", Settings.optimizer, "How a gradient changes the weights."),
    _list("lr", None, "Learning rates.  [default: the optimizer's own]"),
    click.option(
        "--seeds",
        type=POSITIVE,
        default=3,
        help="Networks of each kind, which differ in their first weights: how far apart they end "
        "is the spread.",
    ),
    click.option(
        "--most",
        type=POSITIVE,
        default=64,
        help="Refuse more kinds of networks than that: each value of one list goes with each of "
        "the others.",
    ),
)


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@source_argument
@recorded_options
@varied_options
@NUM_LAYERS
@UPDATE_EVERY
@CLIP_NORM
@HEAD
@LOSS
@DRIFT
@DRIFT_ACTION
@LAGS
@SEED
@BASELINES
@click.option(
    "--river",
    metavar="NAMES",
    type=WORDS,
    help="River's models to play as well, such as HoeffdingTreeRegressor,KNNRegressor: any that "
    "can be made without arguments. Each is put behind a StandardScaler and given the lags.",
)
@click.option(
    "--chart",
    metavar="FILE",
    callback=check_chart,
    help="Draw errors over the rows, and how all ended, into FILE (.png or .svg).",
)
@METRICS_JSON
@click.option(
    "--jobs", type=POSITIVE, help="Networks that play at once.  [default: one for each core]"
)
@QUIET
def compare(**options: Any) -> None:
    """Find out which network is best on a stream: all play it at once, row by row.

    SOURCE is as for streamrnn replay, and is read once. The networks are all combinations of the
    lists; simple models play beside them. The best come first; an asterisk is for what is better
    than the best of the others by more than seeds make up.
    """
    written = ("chart", "metrics_json", "dead_letter")
    check_files(options["source"], {f"--{n.replace('_', '-')}": options[n] for n in written})
    varied = {
        name: (None,) if text is None else READERS[name].values(text)
        for name, text in ((name, options.pop(name)) for name in VARIED)
    }
    river = options.pop("river")
    own = {name: options.pop(name) for name in ("seeds", "most", "chart", "jobs")}
    names = () if river is None else WORDS.values(river)
    shared = Settings(**options)
    check(shared)
    settings = CompareSettings(shared, varied, river=names, **own)

    from .comparing.run import run

    run(settings)
