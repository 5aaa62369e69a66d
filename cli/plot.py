"""``streamrnn plot``: a picture or a page of predictions that were written before."""

import os
from contextlib import nullcontext
from typing import Any

import click

from .compression import suffixes
from .options import NOT_NEGATIVE, POSITIVE, Choice, check_files

EPILOG = """Exit codes: 0 done, 2 wrong use, 3 wrong data, 130 interrupted."""

PICTURES, PAGES = (".png", ".svg"), (".html", ".htm")


def check_output(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """Refuse what cannot be drawn, and say what to install, before anything is read."""
    suffix = suffixes(path or "a.png")[0]
    if suffix in PAGES:
        from .monitor.page import check_available

        check_available()
    elif suffix in PICTURES:
        from .extras import needed

        needed("matplotlib", "matplotlib", "plot")
    else:
        raise click.BadParameter(f"must end in {', '.join(PICTURES)} or {PAGES[0]}")
    return path


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@click.argument("file")
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    callback=check_output,
    help="What to write: .png, .svg or .html.  [default: that of FILE with .png]",
)
@click.option("--last", type=POSITIVE, help="Draw the last so many rows only.")
@click.option("--from", "first", type=NOT_NEGATIVE, help="First row to draw, by its number.")
@click.option("--to", "end", type=NOT_NEGATIVE, help="Last row to draw, by its number.")
@click.option(
    "--task",
    type=Choice(["auto", "regression", "classification"]),
    default="auto",
    help="What the target is: numbers or labels. auto looks at the first rows.",
)
def plot(**options: Any) -> None:
    """Draw predictions that were written: a picture or a page.

    It shows targets, predictions, and the error beside that of the last value as the prediction.

    FILE is a .csv or .jsonl file with the columns row, target and prediction, plain or compressed
    and of any length; or a .json file with the figures of a run that was watched.
    """
    path, first, end, last = (options[name] for name in ("file", "first", "end", "last"))
    output = options["output"] or os.path.splitext(path.removesuffix(suffixes(path)[1]))[0] + ".png"
    check_files(path, {"--output": output})
    if last is not None and (first is not None or end is not None):
        raise click.UsageError("--last goes with neither --from nor --to.")
    is_run = suffixes(path)[0] == ".json"
    if is_run and (first, end, last) != (None, None, None):
        raise click.UsageError("--from, --to and --last are for files of --predictions.")

    from .monitor.kept import drawn_from, read_snapshot
    from .monitor.recorded import Choice as Rows
    from .monitor.recorded import snapshot_of

    wanted = Rows(first, end, last)
    snapshot = read_snapshot(path) if is_run else snapshot_of(path, wanted, options["task"])
    with drawn_from(path) if is_run else nullcontext():
        _write(snapshot, output, is_run)
        click.echo(f"{output}: {snapshot['rows']:,} rows", err=True)


def _write(snapshot: dict[str, Any], output: str, is_run: bool) -> None:
    suffix = suffixes(output)[0]
    if suffix in PAGES:
        from .monitor.page import write_report

        write_report(snapshot, output, is_run=is_run)
        return
    from streamrnn.durable import write

    from .monitor.picture import picture

    try:
        write(output, [picture(snapshot, suffix)])
    except OSError as error:
        raise click.UsageError(f"cannot write {output!r}: {error.strerror}.") from None
