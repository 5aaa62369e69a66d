"""Lines that come once: whoever sends them cannot send them again."""

from collections.abc import Iterable
from types import ModuleType

from .protocol import Position
from .text import TextSource


class PassingText(TextSource):
    """A stream of lines that cannot be read again; goes on with what comes.

    Parameters
    ----------
    binary, name, formats
        As in `TextSource`.
    """

    def __init__(self, binary: Iterable[bytes], name: str, formats: list[ModuleType]) -> None:
        super().__init__(binary, name, formats, is_live=True)

    def seek(self, position: Position) -> None:
        """Say that there is no way back."""
        self.note(f"{self.name} cannot be read again: it goes on with what comes now")
