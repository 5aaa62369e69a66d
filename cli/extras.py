"""Libraries that come with an extra: imported when they are needed, missed in one line."""

import importlib
from typing import Any

import click


def needed(module: str, package: str, extra: str) -> Any:
    """Import a module of a package that not everybody has installed.

    Raises
    ------
    click.UsageError
        If it is not there; says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise click.UsageError(f"this needs {package}: pip install 'streamrnn[{extra}]'.") from None
