"""Rows of an Arrow file or stream, as data frames are saved by ``to_feather`` or ``write_ipc``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import DataError
from ..extras import needed
from .protocol import Source
from .tables import readable, table_source

FORMAT = "arrow"
SUFFIXES = (".arrow", ".arrows", ".feather", ".ipc")
MAGIC = b"ARROW1"

#: Of its first version.
_OLD = b"FEA1"


@contextmanager
def open_file(path: str) -> Iterator[Source]:
    """Open the file of that path, in one of the two forms that Arrow has.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    arrow = needed("pyarrow", "pyarrow", "arrow")
    # Not mapped into memory: should somebody cut it meanwhile, that would end the process.
    with arrow.OSFile(path) as file:
        start = file.read(len(MAGIC))
        file.seek(0)
        if start.startswith(_OLD):
            remedy = "Write it again, with pyarrow.feather.write_feather"
            raise DataError("is of Feather's first version", source=path, remedy=remedy)
        with readable(path, "Arrow file"):
            is_file = start == MAGIC
            reader = (arrow.ipc.open_file if is_file else arrow.ipc.open_stream)(file)
        with reader:
            parts = _parts(reader) if is_file else iter(reader)
            yield table_source(path, reader.schema.names, parts)


def _parts(reader: Any) -> Iterator[Any]:
    for i in range(reader.num_record_batches):
        yield reader.get_batch(i)
