"""CSV in blocks, read by Arrow, gives what reading line by line does: rows, places, errors."""

import bz2
import gzip
import io
import itertools
import math
import random

import numpy as np
import pytest
from cli_helpers import metrics_of, use_spy
from streamrnn_cli import cells, lines
from streamrnn_cli.compression import decompressed
from streamrnn_cli.errors import DataError
from streamrnn_cli.sources import csv, csv_blocks
from streamrnn_cli.sources.arrow_columns import ArrowColumn
from streamrnn_cli.sources.protocol import Batch, Row

pa = pytest.importorskip("pyarrow")


def flat(items):
    """The rows and errors one by one, and what ended the reading."""
    found = []
    try:
        for item in items:
            if isinstance(item, Batch):
                columns = [list(column) for column in item.cells]
                for i, (line, offset) in enumerate(zip(item.lines, item.offsets, strict=True)):
                    found.append((line, item.columns, [c[i] for c in columns], offset))
            elif isinstance(item, Row):
                found.append((item.line, item.columns, list(item.cells), item.offset))
            else:
                found.append((item.format_message(), item.line, item.offset, item.raw))
    except DataError as error:
        found.append(error.format_message())
    return found


def items_of(data, start=0, suffix=""):
    stream = decompressed(io.BufferedReader(io.BytesIO(data)), suffix, "s")
    return csv.read(lines.TextLines(stream, "s", in_blocks=True), "s", start)


def both(data, monkeypatch, size=1, start=0, suffix=""):
    """What the two ways of reading give; the number of blocks that Arrow read."""
    read = []

    class Counting(csv_blocks.BlockReader):
        def batch(self, *args):
            made = super().batch(*args)
            read.append(made is not None)
            return made

    monkeypatch.setattr(csv, "BlockReader", Counting)
    monkeypatch.setattr(csv, "SIZE", size)
    monkeypatch.setattr(lines, "_PIECE", max(1, size // 3))
    fast = flat(items_of(data, start, suffix))
    with monkeypatch.context() as context:
        context.setattr(csv, "find_spec", lambda name: None)
        slow = flat(items_of(data, start, suffix))
    return fast, slow, sum(read)


PLAIN = b"1,2,x\n3,4,y\n"
ODD = {
    "plain": PLAIN,
    "quotes": b'1,"2",x\n' + PLAIN,
    "a quoted line end": b'1,2,"x\ny"\n' + PLAIN,
    "quoted line ends": b'1,2,"x\n\n\ny\n1,2,3\n"\n' + PLAIN,
    "a quote in a cell": b'1,2"3,x\n' + PLAIN,
    "a quote that stays open": b'1,"2,x\n' + PLAIN,
    "text behind a quote": b'1,"2"3,x\n' + PLAIN,
    "blank lines": b"\n1,2,x\n\n\n3,4,y\n\n",
    "lines of spaces": b"1,2,x\n   \n3,4,y\n",
    "CRLF": b"1,2,x\r\n3,4,y\r\n",
    "blank CRLF": b"1,2,x\r\n\r\n3,4,y\r\n",
    "mixed line ends": b"1,2,x\r\n3,4,y\n",
    "lone CR": b"1,2,x\r3,4,y\n5,6,z\n",
    "CR CR LF": b"1,2,x\r\r\n3,4,y\n",
    "too few cells": b"1,2\n" + PLAIN,
    "too many cells": b"1,2,3,4\n" + PLAIN,
    "one too few, one too many": b"1,2\n1,2,3,4\n" + PLAIN,
    "an empty last cell": b"1,2,\n,,\n" + PLAIN,
    "NUL": b"1,\x002,x\n" + PLAIN,
    "byte order mark": b"\xef\xbb\xbf1,2,x\n" + PLAIN,
    "not UTF-8": b"1,2,\xff\n" + PLAIN,
    "a surrogate": b"1,2,\xed\xa0\x80\n" + PLAIN,
    "UTF-8": "1,2,ä€😀\u2028\x85z\n".encode() + PLAIN,
    "UTF-8 spaces": "\u00a01,\u20032,x\n".encode() + PLAIN,
    "separators of records": b"1,\x1c2,x\x0b\x0c\x1e\n" + PLAIN,
    "spaces": b"1 , 2,  x \n 3,4 ,y\n",
    "tabs in cells": b"1,\t2,\tx\n" + PLAIN,
    "other separators": b"1;2,2,x\n" + PLAIN,
    "comments": b"#1,2,x\n" + PLAIN,
    "backslashes": b"1\\,2,x\n1,2,\\n\n" + PLAIN,
    "apostrophes": b"'1',2,x\n" + PLAIN,
    "missing": b"NA,nan,NULL\nNone,?,\n-nan,N/A,null\n",
    "numbers": b"1_000,1e400,01\n+1,-0.0,1.\n0x10,1e-400,1e5\n",
    "no line end at the end": PLAIN + b"5,6,z",
    "CR at the end": PLAIN + b"5,6,z\r",
    "a long line": b"1,2," + b"x" * 5000 + b"\n" + PLAIN,
    "nothing": b"",
    "blank lines only": b"\n\n\n",
}


@pytest.mark.parametrize("size", [1, 8, 30])
@pytest.mark.parametrize("what", ODD)
def test_odd_files(what, size, monkeypatch):
    data = b"a,b,c\n" + PLAIN * 4 + ODD[what] + PLAIN * 4
    fast, slow, blocks = both(data, monkeypatch, size)
    assert fast == slow
    # What is odd costs only its own block speed, and those behind it while a quote is open.
    assert blocks


@pytest.mark.parametrize("what", ODD)
def test_odd_endings(what, monkeypatch):
    fast, slow, _ = both(b"a,b,c\n" + PLAIN + ODD[what], monkeypatch, 4)
    assert fast == slow


@pytest.mark.parametrize(
    "header", [b"a;b;c\n", b"a\tb\tc\r\n", b'\xef\xbb\xbfa,"b ",c\n', b"\na,,c\n"]
)
def test_headers(header, monkeypatch):
    separator = next((s for s in (b";", b"\t") if s in header), b",")
    data = header + (PLAIN * 5).replace(b",", separator)
    fast, slow, blocks = both(data, monkeypatch, 8)
    assert fast == slow
    assert blocks
    assert len(fast) == 10


@pytest.mark.parametrize("body", [b"1\n2\n\n3\n4\n", b" \n1\n", b"\r\n1\r\n", b"x y\n,\n"])
def test_one_column(body, monkeypatch):
    fast, slow, _ = both(b"a\n" + body * 3, monkeypatch, 3)
    assert fast == slow


def test_any_files(monkeypatch):
    chosen = random.Random(0)
    pieces = [b"1", b"2.5", b",", b",", b",", b"\n", b"\n", b"\r\n", b'"', b" ", b"x", "é".encode()]
    blocks = 0
    for _ in range(400):
        body = b"".join(chosen.choices(pieces, k=chosen.randrange(60)))
        data = b"a,b\n" + b"1,2\n" * chosen.randrange(3) + body + b"\n3,4\n" * chosen.randrange(3)
        fast, slow, read = both(data, monkeypatch, chosen.choice([1, 5, 20]))
        assert fast == slow, data
        blocks += read
    assert blocks > 200


def test_going_on_in_the_middle(monkeypatch):
    data = b"a,b\n" + b"".join(b"%d,%d\n" % (i, -i) for i in range(100))
    everything, _, _ = both(data, monkeypatch, 16)
    for row in (0, 1, 50, 98):
        line, *_, (byte, number) = everything[row]
        assert line == number
        fast, slow, blocks = both(data, monkeypatch, 16, start=byte)
        assert fast == slow == everything[row + 1 :]
        assert blocks or row == 98
    fast, slow, _ = both(data, monkeypatch, 16, start=7)
    assert fast == slow
    assert "no line that ends at byte 7" in fast[0]


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_damages_show_at_the_same_place(suffix, compress, monkeypatch):
    rows = b"".join(b"%d,%d\n" % (i, i * i) for i in range(60_000))
    data = compress(b"a,b\n" + rows)
    kept = lines._PIECE
    for cut in (len(data) // 2, len(data) - 9):
        # Pieces as the buffers have them, which is what the place depends on.
        fast, slow, blocks = both(data[:cut], monkeypatch, 3 * kept, suffix=suffix)
        assert fast == slow
        assert "end too early" in fast[-1]
        assert blocks or suffix == ".bz2"
    broken = bytearray(data)
    broken[len(data) * 3 // 4] ^= 0xFF
    fast, slow, _ = both(bytes(broken), monkeypatch, 3 * kept, suffix=suffix)
    assert fast == slow
    assert "cannot be read" in fast[-1]


def test_cells_too_long_for_csv(monkeypatch):
    data = b"a,b\n" + b"1,2\n" * 9 + b"1," + b"2" * 140_000 + b"\n" + b"1,2\n" * 9
    fast, slow, _ = both(data, monkeypatch, 8)
    assert fast == slow
    assert any("field limit" in str(found[0]) for found in fast)


SPELT = [
    *("1", "-2.5", "1e5", "1E-5", "+1", ".5", "1.", "01", "-0.0", "1e400", "-1e400", "1e-400"),
    *("0.1", "9007199254740993", "123456789012345678901234567890", "2.2250738585072011e-308"),
    *("", " ", "NA", "Na", "nA", "nan", "NaN", "NAN", "-nan", "null", "Null", "NULL", "None", "?"),
    *(
        "inf",
        "-Infinity",
        "iNF",
        "1_000",
        "_1",
        " 1",
        "1 ",
        "\t1",
        "1\xa0",
        "١٢",
        "nan(a)",
        "nan()",
    ),
    *("0x1", "1d0", "1f", "1,5", "1 2", "x", "N/A", "true", "--1", "1e", ".", "+", "infinit", "٣x"),
]


def numbers(column):
    try:
        return [repr(float(value)) for value in cells.numbers(column)]
    except ValueError:
        return "no numbers"


@pytest.mark.parametrize("spelt", SPELT)
def test_numbers_are_read_as_always(spelt):
    for beside in ([], ["1"], ["", "NA", "3"], ["nan"], [" 1"]):
        column = [spelt, *beside]
        assert numbers(ArrowColumn(pa.array(column))) == numbers(column)
        assert cells.labels(ArrowColumn(pa.array(column))) == cells.labels(column)


def test_a_column_is_a_sequence():
    column = ArrowColumn(pa.array(["1", "NA", "x"]))
    assert (len(column), column[2], column[-1], list(column[1:])) == (3, "x", "x", ["NA", "x"])
    assert column.as_numbers() is None
    assert column[:2].as_numbers()[0] == 1.0
    assert math.isnan(column[:2].as_numbers()[1])
    with pytest.raises(IndexError):
        column[3]


def test_line_ends_are_a_sequence():
    ends = csv_blocks.LineEnds(np.array([10, 20, 30]), 5)
    assert list(ends) == [(10, 5), (20, 6), (30, 7)]
    assert (ends[-1], list(ends[1:]), list(ends[1:][:1])) == (
        (30, 7),
        [(20, 6), (30, 7)],
        [(20, 6)],
    )
    with pytest.raises(IndexError):
        ends[3]


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_run_is_the_same(task, tmp_path, monkeypatch):
    spies = use_spy(monkeypatch)
    path = tmp_path / "s.csv"
    random_cells = itertools.cycle(["1", "2.50", "", "NA", "-7e2"])
    rows = [f"{next(random_cells)},{i % 7},0{i % 3}" for i in range(3000)]
    path.write_text("\n".join(["a,b,y", *rows]))
    monkeypatch.setattr(csv, "SIZE", 4096)
    options = (path, "--target", "y", "--task", task)
    fast = metrics_of(tmp_path, *options)
    monkeypatch.setattr(csv, "find_spec", lambda name: None)
    slow = metrics_of(tmp_path, *options)
    assert repr(spies[0].events) == repr(spies[1].events)
    assert fast["rows"] == slow["rows"]
    for name, value in fast["model"]["metrics"].items():
        assert value == pytest.approx(slow["model"]["metrics"][name], rel=1e-12)
