"""The values of a run as TOML that asks for the same run."""

import json
from typing import Any

import click

from .matching import keys


def as_toml(ctx: click.Context) -> str:
    """Return the values of a command, as they are after the file and the command line.

    What is not given is a comment: TOML knows no such value.
    """
    name = ctx.info_name
    lines = [f"# To run it: {ctx.command_path} --config FILE", f"[{name}]"]
    for key, parameter in keys(ctx.command).items():
        value = ctx.params[str(parameter.name)]
        lines.append(f"# {key}: not given" if value is None else f"{key} = {literal(value)}")
    return "\n".join(lines) + "\n"


def literal(value: Any) -> str:
    """Write a value as TOML.

    Examples
    --------
    >>> print(literal(True), literal(0.5), literal(("a", "b")))
    true 0.5 ["a", "b"]
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    # JSON's texts are TOML's, but for one letter that only TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
