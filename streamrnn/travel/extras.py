"""Packages that are needed for some things only."""

from __future__ import annotations

import importlib
from typing import Any


def needed(package: str, extra: str, reason: str) -> Any:
    """Import and return a package that an extra of this one brings.

    Parameters
    ----------
    package
        Its name.
    extra
        The extra that installs it.
    reason
        What needs it, for the message.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:  # it is there, and lacks something itself
            raise
        raise ImportError(
            f"{reason} needs the package {package!r}: pip install 'streamrnn[{extra}]'",
            name=package,
        ) from None
