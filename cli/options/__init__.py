"""Options that several commands share, as decorators: one module a group.

A command names the groups in the order in which its help shows them::

    @click.command(epilog=EPILOG, context_settings={"show_default": True})
    @source_argument
    @source_options
    @network_options
    @output_options
    def replay(**options): ...
"""

from .files import check_files
from .keeping import keeping_options
from .network import network_options
from .output import output_options
from .running import backend_option
from .source import recorded_options, series_options, source_argument, source_options
from .values import NOT_NEGATIVE, POSITIVE, Choice, check_finite

__all__ = [
    "NOT_NEGATIVE",
    "POSITIVE",
    "Choice",
    "backend_option",
    "check_files",
    "check_finite",
    "keeping_options",
    "network_options",
    "output_options",
    "recorded_options",
    "series_options",
    "source_argument",
    "source_options",
]
