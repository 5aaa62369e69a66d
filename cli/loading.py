"""Saved models, from files of their own and from checkpoints."""

from typing import Any

from . import checkpoint
from .errors import DataError


def load_model(path: str) -> Any:
    """Return the model that a file holds: one that was saved, or that of a checkpoint.

    Raises
    ------
    DataError
        If there is no such file, or it is neither.
    """
    import streamrnn
    from streamrnn.storage import FormatError

    try:
        if checkpoint.is_checkpoint(path):
            return checkpoint.load(path)[0]
        return streamrnn.load(path)
    except FormatError as error:
        raise DataError(str(error).removeprefix(f"{path}: "), source=path) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", source=path) from None


def save_model(model: Any, path: str) -> None:
    """Save a model to a file of its own, as a whole or not at all.

    Raises
    ------
    DataError
        If it cannot be written; an older file of that name stays as it was.
    """
    try:
        model.save(path)
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror})", source=path) from None
