"""The command line that plays one of the networks again."""

import shlex
from dataclasses import fields
from typing import Any

from ..settings import DECIDING, Settings


def command_line(settings: Settings) -> str:
    """Return the command that replays a network, with what is not as it is anyway.

    Examples
    --------
    >>> command_line(Settings("a.csv", target="y", cell="gru", truncation=8, drop=("b", "c d")))
    "streamrnn replay a.csv --target y --drop b --drop 'c d' --cell gru --truncation 8"
    """
    words = ["streamrnn", "replay", settings.source]
    for field in fields(Settings):
        value: Any = getattr(settings, field.name)
        if field.name not in (*DECIDING, "dead_letter", "limit") or value == field.default:
            continue
        for one in value if isinstance(value, tuple) else (value,):
            words += [f"--{field.name.replace('_', '-')}", str(one)]
    return shlex.join(words)
