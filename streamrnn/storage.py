"""Models as files: one safetensors file, a description in its header and arrays behind it.

Nothing is executed on reading, and nothing is believed before it was checked: the header is read
only if the file is long enough for it, and the arrays only when the caller has agreed to their
sizes. A digest covers every byte, so damage is told from a model; since anybody can compute one, it
proves no origin, and whoever uses what was read checks it all the same.

The file: 8 bytes with the length of the header, the header (JSON), the arrays. The header's
``__metadata__`` has, in this order and before anything else, ``streamrnn_format``,
``streamrnn_digest`` (of the header, its own digits taken as 0), ``streamrnn_data`` (of the arrays)
and ``streamrnn``, the description, as JSON. Any reader of safetensors can open it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

#: The version of the format. A change that an older reader would misunderstand raises it.
FORMAT = 1

#: Names of types in the header.
_DTYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "U8": "|u1"}

#: What the format allows a header to be long.
_MOST_HEADER = 100_000_000

#: Axes and, but for empty ones, bytes of an array: within what NumPy can have.
_MOST_AXES, _MOST_BYTES = 8, 1 << 60

_HEX_DIGITS = 64
_VERSION = re.compile(rb'\{"__metadata__":\{"streamrnn_format":"(\d{1,9})"')
_DIGEST = re.compile(_VERSION.pattern + rb',"streamrnn_digest":"([0-9a-f]{64})"')

Buffer = bytes | bytearray | memoryview


class FormatError(ValueError):
    """What should be a saved model is none, or not one that can be read here."""


class Spec(NamedTuple):
    """Type and shape of an array."""

    dtype: str
    shape: tuple[int, ...]


class Parcel:
    """A saved model, not yet believed: its description is read, its arrays are not.

    Parameters
    ----------
    size
        Bytes in all.
    take
        Returns the bytes from one place to another.

    Raises
    ------
    FormatError
        If this is no model of streamrnn, or one of a later format, cut short or damaged.
    """

    def __init__(self, size: int, take: Callable[[int, int], Buffer]) -> None:
        self._size, self._take = size, take
        length = int.from_bytes(take(0, 8), "little") if size >= 8 else 0
        self._start = 8 + length
        header = b""
        if length <= _MOST_HEADER and self._start <= size:
            header = bytes(take(8, self._start))
        _check_version(header)
        _check_digest(header)
        fields = _parsed(header)
        metadata = fields.pop("__metadata__")
        self._digest = metadata.get("streamrnn_data")
        # A file of an older format would be brought up to date here.
        self.document = _parsed(_text(metadata.get("streamrnn")))
        self._places = _places(fields, size - self._start)

    @property
    def specs(self) -> dict[str, Spec]:
        """Type and shape of each array."""
        return {name: spec for name, (spec, _) in self._places.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """Read the arrays, read-only.

        Raises
        ------
        FormatError
            If they are damaged.
        """
        data = self._take(self._start, self._size)
        if _hexdigest([data]) != self._digest:
            raise FormatError("is damaged: the numbers are not those that were saved")
        arrays = {}
        for name, (spec, at) in self._places.items():
            count = math.prod(spec.shape)
            flat = np.frombuffer(data, _DTYPES[spec.dtype], count, at) if count else _empty(spec)
            arrays[name] = flat.reshape(spec.shape)
            arrays[name].flags.writeable = False
        return arrays


def _empty(spec: Spec) -> np.ndarray:
    return np.zeros(0, _DTYPES[spec.dtype])


def spec_of(dtype: str, *shape: int) -> Spec:
    """Return the `Spec` of an array of a NumPy type, ``"float32"`` or so."""
    code = np.dtype(dtype).newbyteorder("<").str
    return Spec(next(name for name, known in _DTYPES.items() if known == code), shape)


# --- writing


def pieces(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[Buffer]:
    """Return the bytes of a file, in pieces: a large array is not copied.

    The same document and arrays give the same bytes.

    Parameters
    ----------
    document
        What can be written as JSON.
    arrays
        Of float64, int64, float32 or uint8; any strides.

    Raises
    ------
    TypeError
        If an array is of another type.
    ValueError
        If the header is longer than the format allows.
    """
    # The widest first, so that each array lies on a boundary of its type.
    names = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    fields: dict[str, Any] = {}
    bodies, at = [], 0
    for name in names:
        # Contiguous and little-endian, whatever it was: what is written is its memory.
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype.str not in _DTYPES.values():
            raise TypeError(f"array {name!r} is of {array.dtype}, which cannot be saved")
        spec = spec_of(array.dtype.name, *array.shape)
        end = at + array.nbytes
        fields[name] = {"dtype": spec.dtype, "shape": [*spec.shape], "data_offsets": [at, end]}
        bodies.append(array.reshape(-1).view(np.uint8).data)
        at = end
    return [_sealed(document, fields, _hexdigest(bodies)), *bodies]


def _sealed(document: Mapping[str, Any], fields: dict[str, Any], data_digest: str) -> bytes:
    """Return the header, with its length in front."""
    metadata = {
        "streamrnn_format": str(FORMAT),
        "streamrnn_digest": "0" * _HEX_DIGITS,
        "streamrnn_data": data_digest,
        "streamrnn": _dumped(document),
    }
    header = _dumped({"__metadata__": metadata} | fields).encode("ascii")
    header += b" " * (-len(header) % 8)
    if len(header) > _MOST_HEADER:
        raise ValueError(
            f"the description of the model takes {len(header)} bytes, the format allows "
            f"{_MOST_HEADER}; pickle has no such limit"
        )
    return len(header).to_bytes(8, "little") + _with_digest(header, _digest_of_header(header))


def _dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def pack(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a file; see `pieces`.

    Examples
    --------
    >>> import numpy as np
    >>> parcel = unpack(pack({"class": "none"}, {"x": np.arange(3.0)}))
    >>> parcel.document, parcel.specs["x"], parcel.arrays()["x"].tolist()
    ({'class': 'none'}, Spec(dtype='F64', shape=(3,)), [0.0, 1.0, 2.0])
    """
    return b"".join(pieces(document, arrays))


# --- reading


def unpack(data: Buffer) -> Parcel:
    """Open what `pack` returned; raises as `Parcel` does."""
    view = memoryview(data).cast("B")
    return Parcel(len(view), lambda start, stop: view[start:stop])


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Parcel]:
    """Open a file that `write` wrote, for as long as its arrays may be read.

    Raises
    ------
    FormatError
        As `Parcel` does.
    OSError
        If there is no file, or it cannot be read.
    """
    # Not mapped into memory: if another program cut the file short, reading would end the process.
    with open(path, "rb") as file:

        def take(start: int, stop: int) -> bytes:
            file.seek(start)
            data = file.read(stop - start)
            if len(data) != stop - start:
                raise FormatError("became shorter while it was read")
            return data

        yield Parcel(os.fstat(file.fileno()).st_size, take)


def _check_version(header: bytes) -> None:
    """Refuse what is of no known version; this part of the header never changes."""
    found = _VERSION.match(header)
    if found is None:
        raise FormatError("is no model saved by streamrnn, or was cut short")
    version = int(found[1])
    if version > FORMAT:
        raise FormatError(
            f"has format {version}, and this streamrnn reads up to {FORMAT}: install a newer one"
        )
    if version < 1:
        raise FormatError(f"has format {version}, which never was")


def _check_digest(header: bytes) -> None:
    found = _DIGEST.match(header)
    if found is None or found[2].decode() != _digest_of_header(header):
        raise FormatError("is damaged: its header is not as it was saved")


def _digest_of_header(header: bytes) -> str:
    length = len(header).to_bytes(8, "little")
    return _hexdigest([length, _with_digest(header, "0" * _HEX_DIGITS)])


def _with_digest(header: bytes, digest: str) -> bytes:
    found = _DIGEST.match(header)
    assert found is not None
    return header[: found.start(2)] + digest.encode() + header[found.end(2) :]


def _hexdigest(parts: list[Any]) -> str:
    digest = hashlib.blake2b(digest_size=_HEX_DIGITS // 2)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise FormatError(f"has a header that no model has: {reprlib.repr(value)} is no text")
    return value


def _parsed(text: str | bytes) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        value = json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"has a header that no model has: {error}") from error
    if not isinstance(value, dict):
        raise FormatError("has a header that no model has: it is no JSON object")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; ValueError if a name comes twice: readers would take one or the other."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name comes twice")
    return fields


def _places(fields: dict[str, Any], size: int) -> dict[str, tuple[Spec, int]]:
    """Return each array's spec and where it begins: one after the other, up to the end."""
    places, end = {}, 0
    for name, field in fields.items():
        spec, start, stop = _spec_in(name, field)
        n_bytes = math.prod(spec.shape) * np.dtype(_DTYPES[spec.dtype]).itemsize
        if start != end or stop - start != n_bytes or stop > size:
            raise FormatError(
                f"was cut short or tampered with: array {name!r}, {spec.dtype} {spec.shape}, has "
                f"bytes {start} to {stop} of {size}"
            )
        places[name], end = (spec, start), stop
    if end != size:
        raise FormatError(f"was cut short or tampered with: {size} bytes of arrays, not {end}")
    return places


def _spec_in(name: str, field: Any) -> tuple[Spec, int, int]:
    try:
        dtype, shape, (start, stop) = field["dtype"], field["shape"], field["data_offsets"]
        numbers = [*shape, start, stop]
    except (TypeError, KeyError, ValueError) as error:
        raise FormatError(f"has no description of array {name!r}: {error!r}") from error
    counted = all(type(n) is int and n >= 0 for n in numbers)
    is_possible = len(numbers) <= _MOST_AXES + 2 and counted
    is_possible = is_possible and math.prod(n or 1 for n in shape) <= _MOST_BYTES // 8
    if not isinstance(dtype, str) or dtype not in _DTYPES or not is_possible:
        raise FormatError(f"describes array {name!r} as none can be: {reprlib.repr(field)}")
    return Spec(dtype, tuple(shape)), start, stop
