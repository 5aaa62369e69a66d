"""ZIP archives with one file in them."""

import io
import zipfile
from typing import Any

from .errors import DataError
from .suggestions import listed

#: What archivers of some systems add to what was asked for.
_ADDED = "__MACOSX/"


def open_zip(stream: Any, name: str) -> io.RawIOBase:
    """Return the only file in an archive, as a stream of bytes.

    Parameters
    ----------
    stream
        The archive; the list of its files is at its end, so that one must be able to go there.
    name
        For messages.

    Raises
    ------
    DataError
        If it is damaged or encrypted, or has not exactly one file.
    """
    if not stream.seekable():
        remedy = "Give the file itself, or: unzip -p FILE.zip | streamrnn replay -"
        raise DataError("a ZIP archive cannot be read from a pipe", source=name, remedy=remedy)
    try:
        archive = zipfile.ZipFile(stream)
        return _Member(archive, archive.open(_only(archive, name)))
    except (zipfile.BadZipFile, EOFError) as error:
        remedy = "Is it complete? Fetch or compress it again"
        raise DataError(
            f"is no ZIP archive, or a damaged one ({error})", source=name, remedy=remedy
        ) from None
    except (RuntimeError, NotImplementedError):
        # Both say so of encryption and of methods that nobody uses; in words about passwords.
        what = "is encrypted, or compressed in a way that is not known here"
        remedy = f"Unpack it: unzip {name}"
        raise DataError(what, source=name, remedy=remedy) from None


def _only(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith(_ADDED)
    ]
    if len(members) == 1:
        return members[0]
    if not members:
        raise DataError("is a ZIP archive without a file", source=name)
    what = f"holds {len(members):,} files: {listed(member.filename for member in members)}"
    remedy = f"Choose one: unzip -p {name} {members[0].filename} | streamrnn replay -"
    raise DataError(what, source=name, remedy=remedy)


class _Member(io.RawIOBase):
    """A file in an archive whose damages are errors of reading, as those of other files."""

    def __init__(self, archive: zipfile.ZipFile, member: Any) -> None:
        self._archive = archive
        self._member = member

    def readable(self) -> bool:
        """Say that one can read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes."""
        try:
            some = self._member.read1(len(buffer))
        except zipfile.BadZipFile as error:
            raise OSError(str(error)) from None
        buffer[: len(some)] = some
        return len(some)

    def close(self) -> None:
        """Close the file; whoever opened the archive's stream closes that."""
        self._member.close()
        self._archive.close()
        super().close()
