"""Files that are there as a whole or not at all."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from .compression import compressing, suffixes
from .errors import DataError

#: What the disk can say in the middle of a run.
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


@contextmanager
def replacing(path: str) -> Iterator[IO[str]]:
    """Open a text file for writing that takes its name only if the block ends well.

    Until then it has a temporary name in the same folder. On any exception that one is removed,
    and a file that was there before stays as it was.

    Parameters
    ----------
    path
        The file; its suffix may ask for compression. ``-`` is standard output.
    """
    if path == "-":
        yield sys.stdout
        # Here a closed pipe is a normal end; at the interpreter's exit it would be a message.
        sys.stdout.flush()
        return
    from streamrnn.durable import temporary_for  # here, since it brings the whole package along

    # A link stays a link: what it points to is replaced.
    final = Path(os.path.realpath(path))
    special = final.exists() and not final.is_file()
    temporary = final if special else temporary_for(final)
    raw = _open(temporary, "wb" if special else "xb", path)
    try:
        with raw, compressing(raw, suffixes(path)[1]) as stream:
            yield stream
        if not special:
            _take_over(temporary, final, path)
    except BaseException as error:
        if not special:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temporary)
        if isinstance(error, OSError) and error.errno in DISK:
            raise DataError(f"cannot be written ({error.strerror})", source=path) from None
        raise


def _open(name: Path, mode: str, path: str) -> Any:
    """Open a file; "x" in the mode never writes through a link that somebody put there."""
    try:
        return open(name, mode)
    except OSError as error:
        raise click.UsageError(f"cannot write {path!r}: {error.strerror}.") from None


def _take_over(temporary: Path, final: Path, path: str) -> None:
    from streamrnn.durable import take_over

    try:
        take_over(temporary, final)
    except OSError as error:
        raise DataError(f"cannot be replaced ({error.strerror})", source=path) from None
