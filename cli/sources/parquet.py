"""Rows of a Parquet file, read some thousand at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..extras import needed
from .protocol import Source
from .tables import ROWS, readable, table_source

FORMAT = "parquet"
SUFFIXES = (".parquet", ".pq")
MAGIC = b"PAR1"


@contextmanager
def open_file(path: str) -> Iterator[Source]:
    """Open the file of that path.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    parquet = needed("pyarrow.parquet", "pyarrow", "arrow")
    with readable(path, "Parquet file"):
        file = parquet.ParquetFile(path, page_checksum_verification=True)
    with file:
        parts = file.iter_batches(batch_size=ROWS, use_threads=False)
        yield table_source(path, file.schema_arrow.names, parts, file.metadata.num_rows)
