"""Where rows come from, and how they are read."""

import click

from ..settings import Settings
from ..sources import file_formats, formats
from .cycles import check_calendar
from .group import group
from .values import NOT_NEGATIVE, POSITIVE, Choice

source_argument = click.argument("source", default=Settings.source)

FORMAT = click.option(
    "--format",
    type=Choice(sorted(formats() | file_formats())),
    help="Format of a file.  [default: by its suffix, else by how it begins]",
)

TARGET = click.option(
    "--target",
    metavar="COLUMN",
    help="Column to predict.  [default: that of the data set; a file needs it]",
)

TIME = click.option(
    "--time",
    metavar="COLUMN",
    help="Column that is the time stamp: no feature, but copied into the predictions.  "
    "[default: the only column of dates and times]",
)

CALENDAR = click.option(
    "--calendar",
    metavar="CYCLES",
    multiple=True,
    callback=check_calendar,
    help="Make features of the time: of day, week and year, with commas in between; day:3 has "
    "three harmonics. May be repeated.",
)

KEY = click.option(
    "--key",
    metavar="COLUMN",
    help="Learn one model for each value of this column, such as a sensor.",
)

MAX_KEYS = click.option(
    "--max-keys",
    metavar="N",
    type=POSITIVE,
    default=Settings.max_keys,
    help="Models in memory with --key; those not used for longest wait on disk.",
)

ID = click.option(
    "--id",
    metavar="COLUMN",
    help="Id of the event. A target may come later, in a row of its own with the same id: it "
    "is learnt by the step that it belongs to.",
)

DELAY = click.option(
    "--delay",
    type=NOT_NEGATIVE,
    default=Settings.delay,
    help="Learn each target so many rows after it came, as if it were known only then.",
)

DROP = click.option(
    "--drop",
    metavar="COLUMNS",
    multiple=True,
    help="Columns to leave out, with commas in between; may be repeated.",
)

ENCODE = click.option(
    "--encode",
    metavar="COLUMN[=HOW]",
    multiple=True,
    help="Make features of a column of words: onehot, one for each word (the default), or "
    "hash or hash:N, N of them (16). HOW alone: all columns of words. May be repeated.",
)

TASK = click.option(
    "--task",
    type=Choice(["auto", "regression", "classification"]),
    default=Settings.task,
    help="What the target is: numbers or labels. auto looks at the first rows.",
)

ON_ERROR = click.option(
    "--on-error",
    type=Choice(["stop", "skip"]),
    help="What a row that cannot be used does: end the run, or be counted and left out.  "
    "[default: stop; skip for live and with --dead-letter]",
)

DEAD_LETTER = click.option(
    "--dead-letter",
    metavar="FILE",
    help="Leave out rows that cannot be used, and write them to FILE (.jsonl) with line and "
    "reason.",
)

LIMIT = click.option("--limit", type=POSITIVE, help="Rows to use at most.  [default: all]")

source_options = group(
    FORMAT,
    TARGET,
    TIME,
    CALENDAR,
    KEY,
    MAX_KEYS,
    ID,
    DELAY,
    DROP,
    ENCODE,
    TASK,
    ON_ERROR,
    DEAD_LETTER,
    LIMIT,
)

#: For what is recorded, each target with its row.
recorded_options = group(
    FORMAT,
    TARGET,
    TIME,
    CALENDAR,
    KEY,
    MAX_KEYS,
    DROP,
    ENCODE,
    TASK,
    ON_ERROR,
    DEAD_LETTER,
    LIMIT,
)

#: For one series of numbers.
series_options = group(
    FORMAT,
    TARGET,
    TIME,
    DROP,
    ENCODE,
    ON_ERROR,
    DEAD_LETTER,
    LIMIT,
)
