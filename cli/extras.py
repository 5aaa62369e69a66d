"""Libraries that come with an extra: imported when they are needed, missed in one line."""

import importlib
import importlib.util
from typing import Any

import click


def check(module: str, package: str, extra: str) -> None:
    """Do as `needed` does without importing, which can take long.

    Raises
    ------
    click.UsageError
        If it is not there; says how to install it.
    """
    if importlib.util.find_spec(module) is None:
        raise _missing(package, extra)


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
        raise _missing(package, extra) from None


def _missing(package: str, extra: str) -> click.UsageError:
    return click.UsageError(f"this needs {package}: pip install 'streamrnn[{extra}]'.")
