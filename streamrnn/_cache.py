"""Where compiled code is kept between processes, and found again.

Numba keeps code in the first folder that it can write, and reads from no other. What a container
image or an installation brings along lies in a folder that cannot be written, and every process
would compile it anew. So the folders that Numba passes over on its way are read here.
"""

from __future__ import annotations

import glob
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from numba.core.caching import CacheImpl, CompileResultCacheImpl, FunctionCache, NullCache

#: What reading a damaged file raises, as a crash or a full disk may leave one.
_DAMAGED = (EOFError, pickle.UnpicklingError)

#: Every dispatcher whose code is kept.
_KEPT: list[Any] = []


class CacheInfo(NamedTuple):
    """What this process took from the folder of compiled code, and what it had to compile."""

    hits: int  # configurations taken from the folder
    misses: int  # configurations compiled in this process
    files: tuple[Path, ...]  # where their code lies now


def cache_info() -> CacheInfo:
    """Say what this process compiled, and where the compiled code lies.

    A configuration is a combination of cell, head, loss, optimizer, activations and precision;
    models that use several cores, and shared weights, are others. One counts when it is first
    used. A service that must not compile can check that there are no
    ``misses`` once it has warmed up.

    Returns
    -------
    CacheInfo
        ``hits`` and ``misses``, numbers of configurations, and ``files``, a tuple of paths.

    Examples
    --------
    >>> from streamrnn import RNNRegressor, cache_info
    >>> before = cache_info()
    >>> RNNRegressor().learn_one({"a": 1.0}, 2.0)
    >>> after = cache_info()
    >>> after.hits + after.misses - before.hits - before.misses <= 1
    True
    """
    stats = [dispatcher.stats for dispatcher in _KEPT]
    return CacheInfo(
        hits=sum(sum(one.cache_hits.values()) for one in stats),
        misses=sum(sum(one.cache_misses.values()) for one in stats),
        # Once each: two threads that begin at once make two dispatchers for the same code.
        files=tuple(dict.fromkeys(path for one in _KEPT for path in one._cache.files())),
    )


def keep_code(dispatcher: Any) -> None:
    """Have Numba keep what this dispatcher compiles, and look for what was kept.

    Raises
    ------
    RuntimeError
        If there is no folder that can be read or written.
    """
    dispatcher._cache = _KeptCode(dispatcher.py_func)
    _KEPT.append(dispatcher)


class _AnyDate:
    """What a locator is given: code is told to be stale by the digest in its key, not by dates.

    Older versions of Numba compare the date of the source file to the nanosecond, of which a
    container image keeps the seconds.
    """

    def get_source_stamp(self) -> str:
        return ""


class _ReadOnly(_AnyDate):
    """What a locator is given in addition to take a folder that cannot be written."""

    def ensure_cache_path(self) -> None:
        path = self.get_cache_path()  # type: ignore[attr-defined]
        if not os.path.isdir(path):
            raise FileNotFoundError(path)


class _Shelf(FunctionCache):
    """Numba's cache of one function, in the folder of one locator."""

    def __init__(self, function: Callable[..., Any], locator: type, addition: type) -> None:
        place = type(locator.__name__, (addition, locator), {})
        self._impl_class = type(
            "_Implementation", (CompileResultCacheImpl,), {"_locator_classes": [place]}
        )
        super().__init__(function)

    def files(self) -> list[Path]:
        """Return the files of the function's code, for whatever types and processors."""
        return sorted(Path(self.cache_path).glob(glob.escape(self._impl.filename_base) + "*.nb?"))


class _KeptCode(NullCache):
    """Numba's cache of one function, in as many folders as can be read up to one for writing."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._to_read: list[_Shelf] = []
        self._to_write: _Shelf | None = None
        self._in_use: _Shelf | None = None
        for locator in CacheImpl._locator_classes:
            self._to_write = _shelf(function, locator, _AnyDate)
            shelf = self._to_write or _shelf(function, locator, _ReadOnly)
            if shelf is not None:
                self._to_read.append(shelf)
            if self._to_write is not None:
                return
        if not self._to_read:
            raise RuntimeError(f"there is no folder for the code of {function.__qualname__}")

    @property
    def cache_path(self) -> str | None:
        """The folder that the code came from or went to."""
        return None if self._in_use is None else self._in_use.cache_path

    def files(self) -> list[Path]:
        """Return the files that the code came from or went to."""
        return [] if self._in_use is None else self._in_use.files()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for these types, or None if no folder has it in good order."""
        for shelf in self._to_read:
            try:
                found = shelf.load_overload(sig, target_context)
            except (OSError, *_DAMAGED):
                continue
            if found is not None:
                self._in_use = shelf
                return found
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for these types; only warn where that fails, since it runs all the same."""
        try:
            if self._to_write is None:
                raise PermissionError(f"{self._to_read[0].cache_path} cannot be written")
            try:
                self._to_write.save_overload(sig, data)
            except _DAMAGED:
                self._to_write.flush()
                self._to_write.save_overload(sig, data)
            self._in_use = self._to_write
        except OSError as error:
            warn_not_kept(error)

    def flush(self) -> None:
        """Forget what is kept for all types."""
        if self._to_write is not None:
            self._to_write.flush()


def _shelf(function: Callable[..., Any], locator: type, addition: type) -> _Shelf | None:
    try:
        return _Shelf(function, locator, addition)
    except RuntimeError:
        return None


def warn_not_kept(error: Exception) -> None:
    """Warn that the next process has to compile again."""
    warnings.warn(
        f"compiled code is not kept for the next process: {error}; set NUMBA_CACHE_DIR to a folder "
        "that can be written",
        RuntimeWarning,
        stacklevel=3,
    )
