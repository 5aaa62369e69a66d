"""Whether what draws the report is installed."""

from importlib.util import find_spec

import click


def check_available() -> None:
    """Refuse in one line if Bokeh is missing; to be called before a run starts.

    Raises
    ------
    click.UsageError
        If Bokeh cannot be found.
    """
    if find_spec("bokeh") is None:
        raise click.UsageError(
            "a report needs Bokeh, which is not installed: pip install 'streamrnn[report]'"
        )
