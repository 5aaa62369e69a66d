"""Files that are no plain text: ZIP, zstd, Parquet, Arrow; their rows, and what can be wrong."""

import datetime
import decimal
import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from cli_helpers import invoke, replay, use_spy
from streamrnn_cli import extras
from streamrnn_cli.batches import gathered
from streamrnn_cli.sources import open_source

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TEXT = "a,b,y\n" + "".join(f"{i},{i * i % 17},{i % 5}\n" for i in range(50))


@pytest.fixture
def spies(monkeypatch):
    return use_spy(monkeypatch)


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def write_parquet(table, path):
    pq.write_table(table, path, row_group_size=20)


def write_file(table, path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=20)


def write_stream(table, path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=20)


#: How tables are written, and a suffix.
TABLES = {
    "parquet": (write_parquet, ".parquet"),
    "arrow file": (write_file, ".feather"),
    "arrow stream": (write_stream, ".arrows"),
}


@pytest.fixture(params=TABLES)
def saved(request, tmp_path):
    """Writes a table and returns its path."""
    write, suffix = TABLES[request.param]

    def save(table, name=f"t{suffix}"):
        path = tmp_path / name
        write(table if isinstance(table, pa.Table) else pa.table(table), path)
        return path

    return save


def small():
    return {
        "a": list(range(50)),
        "b": [i * i % 17 for i in range(50)],
        "y": [i % 5 for i in range(50)],
    }


def events(spies, *args):
    result = replay(*args, "--task", "regression", "--target", "y")
    assert result.exit_code == 0, result.output
    return spies.pop().events


def error(*args, code=3):
    result = replay(*args, "--target", "y")
    assert result.exit_code == code, result.output
    said = result.output.strip().splitlines()[-1]
    assert said.startswith("Error: "), result.output
    assert "Traceback" not in result.output
    return said


# --- the same rows, however they are kept


def test_a_table_has_the_rows_of_the_text(spies, saved, tmp_path):
    text = tmp_path / "t.csv"
    text.write_text(TEXT)
    assert events(spies, saved(small())) == events(spies, text)


def test_formats_are_told_by_their_beginning(spies, tmp_path):
    text = tmp_path / "t.csv"
    text.write_text(TEXT)
    expected = events(spies, text)
    for write, name in ((write_parquet, "table"), (write_file, "table2")):
        write(pa.table(small()), tmp_path / name)
        assert events(spies, tmp_path / name) == expected
    write_parquet(pa.table(small()), tmp_path / "named.dat")
    assert events(spies, tmp_path / "named.dat", "--format", "parquet") == expected


@pytest.mark.parametrize("name", ["t.csv.zip", "t.ZIP", "t"])
def test_zip(spies, tmp_path, name):
    text = tmp_path / "plain.csv"
    text.write_text(TEXT)
    zipped(tmp_path / name, **{"t.csv": TEXT, "__MACOSX/._t.csv": "x", "folder/": ""})
    assert events(spies, tmp_path / name) == events(spies, text)


@pytest.mark.parametrize("name", ["t.csv.zst", "t.zst", "t"])
def test_zstd(spies, tmp_path, name):
    text = tmp_path / "plain.csv"
    text.write_text(TEXT)
    (tmp_path / name).write_bytes(pa.compress(TEXT.encode(), "zstd", asbytes=True))
    assert events(spies, tmp_path / name) == events(spies, text)


def test_predictions_as_zstd(spies, tmp_path):
    text = tmp_path / "t.csv"
    text.write_text(TEXT)
    for name in ("p.csv.zst", "p.csv"):
        result = replay(text, "--target", "y", "--predictions", tmp_path / name)
        assert result.exit_code == 0, result.output
    packed = pa.CompressedInputStream(pa.OSFile(str(tmp_path / "p.csv.zst")), "zstd")
    assert packed.read() == (tmp_path / "p.csv").read_bytes()
    packed.close()


def test_zip_from_standard_input(spies, tmp_path):
    packed = zipped(tmp_path / "t.zip", **{"t.csv": TEXT}).read_bytes()
    expected = events(spies, tmp_path / "t.zip")
    result = replay("-", "--target", "y", stdin=packed)
    assert result.exit_code == 0, result.output
    assert spies.pop().events == expected


# --- what cells become


def batch_of(path):
    with open_source(str(path)) as source:
        return next(gathered(source.items()))


def cells_of(path):
    batch = batch_of(path)
    return {name: list(column) for name, column in zip(batch.columns, batch.cells, strict=True)}


def numbers_of(path, column):
    batch = batch_of(path)
    return batch.cells[batch.columns.index(column)].as_numbers()


@pytest.mark.parametrize(
    ("type", "given"),
    [
        (pa.int8(), [1, None, -3]),
        (pa.uint64(), [1, None, 2**64 - 1]),
        (pa.int64(), [1, None, 2**53 + 1]),
        (pa.float16(), [1.5, None, -2.0]),
        (pa.float32(), [1.5, None, float("inf")]),
        (pa.float64(), [0.1, None, 1e300]),
        (pa.bool_(), [True, None, False]),
    ],
)
def test_numbers(saved, type, given):
    path = saved({"a": pa.array(given, type)})
    expected = [float("nan") if cell is None else float(cell) for cell in given]
    np.testing.assert_array_equal(numbers_of(path, "a"), expected)
    assert numbers_of(path, "a").dtype == np.float64
    # Where they are labels or keys, integers are spelt as such.
    assert cells_of(path)["a"] == given


def test_decimals_text_and_categories(saved):
    given = ["01", None, "x"]
    table = {
        "money": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("-0.05")]),
        "text": given,
        "large": pa.array(given, pa.large_string()),
        "category": pa.array(given).dictionary_encode(),
        "bytes": pa.array([b"01", None, b"x"]),
        "no text": pa.array([b"\xff", None, b"x"]),
        "nothing": pa.nulls(3),
    }
    found = cells_of(saved(table))
    assert found["money"] == ["1.10", None, "-0.05"]
    for name in ("text", "large", "category", "bytes"):
        assert found[name] == given, name
    assert found["no text"] == [b"\xff", None, b"x"]
    assert found["nothing"] == [None] * 3
    assert np.isnan(numbers_of(saved(table), "nothing")).all()
    np.testing.assert_array_equal(numbers_of(saved(table), "money"), [1.1, np.nan, -0.05])


def test_moments(saved):
    moment = datetime.datetime(2026, 2, 28, 13, 30, 0, 250)
    utc = moment.replace(tzinfo=datetime.UTC)
    table = {
        "ns": pa.array([moment, None], pa.timestamp("ns")),
        "s": pa.array([moment.replace(microsecond=0), None], pa.timestamp("s")),
        "utc": pa.array([utc, None], pa.timestamp("us", "UTC")),
        "date": pa.array([moment.date(), None]),
    }
    found = cells_of(saved(table))
    assert found["ns"] == [moment, None]
    assert found["s"] == [moment.replace(microsecond=0), None]
    assert found["utc"] == [utc, None]
    assert found["date"] == [moment.date(), None]


def test_the_only_moments_are_the_time_stamp(spies, saved):
    table = small() | {"t": [datetime.datetime(2026, 1, 1, hour=i % 24) for i in range(50)]}
    result = replay(saved(table), "--target", "y")
    assert result.exit_code == 0, result.output
    assert "column 't' holds time stamps" in result.output
    assert set(spies.pop().calls[0]) == {"a", "b"}


def test_a_run_goes_on_in_the_middle(saved):
    path = saved(small())
    with open_source(str(path)) as source:
        everything = list(gathered(source.items()))
        assert sum(map(len, everything)) == 50
        source.passed(everything[0].offsets[:7])
        position = source.position()
    with open_source(str(path)) as source:
        source.seek(position)
        first = next(gathered(source.items()))
        assert (first.lines[0], first.cells[0][0]) == (8, 7)


# --- what can be wrong


@pytest.mark.parametrize("cell", [[1, 2], {"k": 1}, datetime.time(1, 2), b"\xff"])
def test_cells_that_are_no_numbers(spies, saved, cell):
    table = small() | {"odd": [cell] * 50}
    said = error(saved(table))
    assert "row 1, column 'odd'" in said
    assert "is not a number" in said
    assert "--drop 'odd'" in said


def test_moments_out_of_range(saved):
    far = pa.array([2**62] * 3, pa.int64()).cast(pa.timestamp("us"))
    assert "column 't': moments before the year 1" in error(saved({"t": far, "y": [1, 2, 3]}))


def test_empty_tables_and_names_that_occur_twice(saved):
    assert "has no rows" in error(
        saved({"a": pa.array([], pa.int64()), "y": pa.array([], pa.int64())})
    )
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["y", "y"])
    assert "column names that occur more than once: 'y'" in error(saved(twice))


@pytest.mark.parametrize("kept", [0, 3, 8, 200])
def test_tables_that_were_cut(saved, kept):
    path = saved(small())
    path.write_bytes(path.read_bytes()[:kept])
    said = error(path)
    assert str(path) in said
    assert "damaged" in said or "no rows" in said


def test_a_stream_that_was_cut_says_where(tmp_path):
    path = tmp_path / "t.arrows"
    write_stream(pa.table(small()), path)
    path.write_bytes(path.read_bytes()[:-300])
    assert "after row 40: is damaged" in error(path)


def test_damaged_pages(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(small()), path, write_page_checksum=True, compression="none")
    data = bytearray(path.read_bytes())
    data[60:64] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert "damaged" in error(path)


def test_what_is_no_table(tmp_path):
    for suffix, what in ((".parquet", "is no Parquet file"), (".arrow", "is no Arrow file")):
        path = tmp_path / f"t{suffix}"
        path.write_text(TEXT)
        assert what in error(path)
    old = tmp_path / "t.feather"
    old.write_bytes(b"FEA1" + bytes(50))
    assert "Feather's first version" in error(old)


def test_tables_are_files(tmp_path, monkeypatch):
    stream = io.BytesIO()
    pq.write_table(pa.table(small()), stream)
    assert "cannot be read from a pipe" in error("-", "--format", "parquet")
    result = replay("-", "--target", "y", stdin=stream.getvalue())
    assert (result.exit_code, "from a pipe" in result.output) == (3, True)
    packed = tmp_path / "t.parquet.gz"
    packed.write_bytes(b"")
    assert "parquet within .gz cannot be read" in error(packed)
    assert "no such file" in error(tmp_path / "none.parquet")
    folder = tmp_path / "folder.parquet"
    folder.mkdir()
    assert "is a directory" in error(folder)


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".csv.zst"])
def test_without_pyarrow(tmp_path, monkeypatch, suffix):
    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"")
    assert "needs pyarrow: pip install 'streamrnn[arrow]'" in error(path, code=2)


def test_zip_archives_that_cannot_be_read(tmp_path):
    both = zipped(tmp_path / "two.zip", **{"a.csv": TEXT, "b.csv": TEXT})
    said = error(both)
    assert "holds 2 files: 'a.csv', 'b.csv'" in said
    assert f"unzip -p {both} a.csv | streamrnn replay -" in said
    assert "without a file" in error(zipped(tmp_path / "none.zip"))
    text = tmp_path / "text.zip"
    text.write_text(TEXT)
    assert "is no ZIP archive" in error(text)
    one = zipped(tmp_path / "one.zip", **{"a.csv": TEXT * 200})
    data = bytearray(one.read_bytes())
    one.write_bytes(data[:-30])
    assert "is no ZIP archive, or a damaged one" in error(one)
    data[200] ^= 0xFF
    one.write_bytes(data)
    assert "cannot be read" in error(one)


def test_zip_archives_that_are_encrypted(tmp_path):
    path = zipped(tmp_path / "t.zip", **{"t.csv": TEXT})
    data = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags] |= 1
    path.write_bytes(data)
    assert "is encrypted" in error(path)


def test_zip_is_only_read(tmp_path):
    text = tmp_path / "t.csv"
    text.write_text(TEXT)
    said = replay(text, "--target", "y", "--predictions", tmp_path / "p.csv.zip")
    assert said.exit_code == 2
    assert "must end in .csv or .jsonl (and perhaps .gz, .bz2, .xz, .zst)" in said.output
    said = replay(text, "--target", "y", "--metrics-json", tmp_path / "m.zip")
    assert said.exit_code == 2
    assert not (tmp_path / "m.zip").exists()


def test_zstd_that_was_cut(spies, tmp_path):
    path = tmp_path / "t.csv.zst"
    path.write_bytes(pa.compress((TEXT * 50).encode(), "zstd", asbytes=True)[:-20])
    assert "cannot be read" in error(path)


def test_tables_do_not_grow(tmp_path):
    result = invoke("live", tmp_path / "t.parquet", "--target", "y")
    assert result.exit_code == 3
    assert "parquet is written as a whole" in result.output


def test_help_does_not_import_arrow():
    code = "import sys, streamrnn_cli.main, streamrnn_cli.sources as s; s.formats(); "
    code += "print('pyarrow' in sys.modules or 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_reading_does_not_import_pandas(tmp_path, suffix):
    table = pa.table({"a": [1.5, None] * 30_000, "t": [datetime.datetime(2026, 1, 1)] * 60_000})
    path = tmp_path / f"t{suffix}"
    if suffix == ".csv":
        path.write_text("a,t\n" + "1.5,2026-01-01\n,\n" * 30_000)
    else:
        write_parquet(table, path)
    code = f"""
import sys
from streamrnn_cli.batches import gathered
from streamrnn_cli.cells import numbers
from streamrnn_cli.sources import open_source
with open_source({str(path)!r}) as source:
    first = next(gathered(source.items()))
    numbers(first.cells[0]), list(first.cells[1])
print("pyarrow" in sys.modules, "pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
