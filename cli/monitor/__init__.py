"""Watching a run in bounded memory, and showing what was seen: as data, as a page, as a picture."""

from .monitor import Monitor

__all__ = ["Monitor"]
