"""Colours, if whoever reads wants them: bold for headings, red for errors.

``NO_COLOR`` turns them off and ``FORCE_COLOR`` on, each if it is not empty, the former first
(no-color.org, force-color.org). Without them, terminals have colours, files and pipes do not.
"""

import os
from typing import TextIO

import click


def forced() -> bool | None:
    """Return what the environment asks for, None if it leaves that to the stream."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def coloured(stream: TextIO) -> bool:
    """Return whether what is written to a stream is to have colours."""
    wish = forced()
    return stream.isatty() and os.environ.get("TERM") != "dumb" if wish is None else wish


def bold(text: str, stream: TextIO) -> str:
    """Return a heading as it is to be written to a stream."""
    return click.style(text, bold=True) if coloured(stream) else text


def red(text: str, stream: TextIO) -> str:
    """Return the word that an error begins with, as it is to be written to a stream."""
    return click.style(text, fg="red", bold=True) if coloured(stream) else text
