"""Whether what draws the report is installed."""

from ...extras import needed


def check_available() -> None:
    """Refuse in one line if Bokeh is missing; to be called before a run starts.

    Raises
    ------
    click.UsageError
        If Bokeh is not installed.
    """
    needed("bokeh", "Bokeh", "report")
