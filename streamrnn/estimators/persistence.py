"""Saving and loading: every estimator as one file, or as bytes for whoever keeps those.

What is saved: the constructor's arguments, the seed that was drawn, the names of features and
labels, and the model's numbers; `streamrnn.storage` has the format.
"""

from __future__ import annotations

import abc
import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import numpy as np

from streamrnn import durable, storage
from streamrnn.estimators.plain import DISTORTED, Decoder
from streamrnn.estimators.settled import Settled
from streamrnn.storage import Buffer, FormatError, Parcel

Storing = TypeVar("Storing", bound="Storable")

#: The estimators of this package by name, and what stands before the names in files.
_OWN: dict[str, type[Storable]] = {}
_PACKAGE = "streamrnn."

#: Those whose modules are imported when they are needed; see `streamrnn`.
_LATE = {"streamrnn.RNNForecaster": "streamrnn.estimators.forecaster"}

Arrays = dict[str, np.ndarray]


class Storable(Settled, abc.ABC):
    """What can be saved as a file and loaded again, in any process, to go on bit for bit."""

    #: What arguments were before there were any, where that is not what their default is now.
    _before: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"predict_change": False, "scale_clip": None}
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if _is_own(cls):
            _OWN[class_name(cls)] = cls

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save everything to a file: loaded, the model goes on as if nothing had happened.

        The file has its name only once it is complete and on the disk; until then, and if anything
        fails, a file that was there before stays. It is a safetensors file; nothing in it is code.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        TypeError
            If an argument, a name, a label or a key is no plain data, such as a function; pickle
            takes those.
        OSError
            If the file cannot be written, or a model that waits on disk cannot be read.

        Examples
        --------
        >>> import os, tempfile, streamrnn
        >>> model = streamrnn.RNNRegressor(hidden_size=4, truncation=4)
        >>> model.learn_one({"a": 1.0}, 2.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     model.save(path)
        ...     loaded = streamrnn.load(path)
        >>> loaded.predict_one({"a": 1.5}) == model.predict_one({"a": 1.5})
        True
        """
        durable.write(path, storage.pieces(*self._contents()))

    def to_bytes(self) -> bytes:
        """Return what `save` writes; the same model always gives the same bytes.

        Raises
        ------
        TypeError, OSError
            As `save` does.
        """
        return storage.pack(*self._contents())

    @classmethod
    def load(
        cls: type[Storing], path: str | os.PathLike[str], plugins: Iterable[Any] = ()
    ) -> Storing:
        """Load what `save` wrote. Nothing is executed, whoever wrote the file.

        Parameters
        ----------
        path
            The file.
        plugins
            Classes that are not of this package and that the model needs: its cells, losses,
            optimizers and heads, and Enums of its labels.

        Raises
        ------
        FormatError
            If the file is no model, or of another class; if it is of a later format, cut short,
            damaged or tampered with; if it needs plug-ins that were not given.
        OSError
            If there is no such file, or it cannot be read.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(
                f"path must name a file, got a {type(path).__name__}; for bytes: from_bytes"
            )
        with _about(f"{os.fspath(path)}: "), storage.opened(path) as parcel:
            return _loaded(cls, parcel, Decoder(plugins))

    @classmethod
    def from_bytes(cls: type[Storing], data: Buffer, plugins: Iterable[Any] = ()) -> Storing:
        """Do as `load` does with what `to_bytes` returned.

        Raises
        ------
        FormatError
            As `load` does.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data must be bytes, got a {type(data).__name__}; for a file: load")
        with _about("the saved model "):
            return _loaded(cls, storage.unpack(data), Decoder(plugins))

    # --- for the estimators

    @abc.abstractmethod
    def _contents(self) -> tuple[dict[str, Any], Arrays]:
        """Return all that makes the model: what JSON can say of it, and arrays."""

    @classmethod
    @abc.abstractmethod
    def _restored(
        cls: type[Storing], document: dict[str, Any], parcel: Parcel, decoder: Decoder
    ) -> Storing:
        """Make the model that `_contents` told of.

        The document is not to be trusted, and no array may be read, or memory be taken, before the
        parcel's specs were found to be those of the model that it describes.
        """

    def _kept_state(self) -> dict[str, Any]:
        """Return what a class keeps beside its arguments and its model: plain data, and arrays."""
        return {}

    def _restore_state(self, kept: dict[str, Any]) -> None:
        """Take over what `_kept_state` returned; it is not to be trusted.

        Raises
        ------
        ValueError
            If it does not go with the model, which is there already.
        """
        if kept:
            raise ValueError(f"a {type(self).__name__} does not keep {sorted(kept)}")


def load(path: str | os.PathLike[str], plugins: Iterable[Any] = ()) -> Any:
    """Load whatever estimator of this package was saved to a file.

    Parameters
    ----------
    path
        The file.
    plugins
        Classes that the model needs and that are not of this package; see `RNNRegressor.load`.

    Raises
    ------
    FormatError
        If the file is no such model; the message says what it is.
    OSError
        If there is no such file, or it cannot be read.
    """
    return Storable.load(path, plugins)


def from_bytes(data: Buffer, plugins: Iterable[Any] = ()) -> Any:
    """Do as `load` does with what ``to_bytes`` of an estimator returned."""
    return Storable.from_bytes(data, plugins)


@contextmanager
def _about(what: str) -> Iterator[None]:
    """Say in messages what could not be loaded."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{what}{error}") from error


def _loaded(asked: type[Any], parcel: Parcel, decoder: Decoder) -> Any:
    name = str(parcel.document.get("class"))[:100]
    found = own_class(name)
    if found is None and not _is_own(asked) and name == class_name(asked):
        found = asked
    if found is None:
        raise FormatError(
            f"holds a {name}, which is no class of streamrnn: load it with load() of that class"
        )
    if not issubclass(found, asked):
        raise FormatError(
            f"holds a {name}, and not what {asked.__name__}.load loads: load it with "
            f"{found.__name__}.load or streamrnn.load"
        )
    try:
        return found._restored(parcel.document, parcel, decoder)
    except FormatError:
        raise
    except DISTORTED as error:
        raise FormatError(f"holds no {name} that could be: {error}") from error


def own_class(name: Any) -> type[Any] | None:
    """Return the estimator of this package that has a name in files, None if there is none."""
    if not isinstance(name, str):
        return None
    if name in _LATE:
        importlib.import_module(_LATE[name])
    return _OWN.get(name)


def class_name(kind: type) -> str:
    """Return the name of an estimator's class in files; others' have no package before it."""
    return f"{_PACKAGE if _is_own(kind) else ''}{kind.__name__}"


def _is_own(kind: type) -> bool:
    """Say whether a class is of this package; a user's may be derived from one."""
    return kind.__module__.startswith(_PACKAGE)
