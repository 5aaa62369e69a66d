"""Files that are there as a whole or not at all, and stay when the power fails."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any


def write(path: str | os.PathLike[str], parts: Iterable[Any]) -> None:
    """Write a file of some pieces, bytes or the like, as a whole or not at all.

    It is on the disk under another name before it takes its own: until then, and if anything fails,
    what was there before stays.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    final = Path(os.path.realpath(path))  # a link stays a link
    if final.exists() and not final.is_file():
        raise OSError(errno.EINVAL, "is not a file, so no model can be saved there", str(path))
    temporary = temporary_for(final)
    try:
        with _opened(temporary, path) as file:
            for part in parts:
                file.write(part)
        take_over(temporary, final)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise


def temporary_for(final: Path) -> Path:
    """Return another name in the same folder that nobody else has."""
    return final.with_name(f".{final.name[:50]}.{secrets.token_hex(4)}.tmp")


def take_over(temporary: Path, final: Path) -> None:
    """Give a complete file its name, once it is on the disk; a file of that name is replaced."""
    with open(temporary, "r+b") as file:
        os.fsync(file.fileno())
    if final.exists():
        shutil.copymode(final, temporary)
    os.replace(temporary, final)
    _sync_folder(final.parent)


def _opened(temporary: Path, path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a new file; OSError tells of the name that it will have."""
    try:
        return open(temporary, "xb")
    except OSError as error:
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None


def _sync_folder(folder: Path) -> None:
    """Make a new name last; Windows cannot, and need not."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot, either
            raise
    finally:
        os.close(handle)
