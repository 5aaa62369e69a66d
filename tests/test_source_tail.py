"""Files that grow, are replaced and cut off; and the position in them."""

import os

import pytest
from live_helpers import column, idle, take, use
from streamrnn_cli.errors import DataError
from streamrnn_cli.lines import Pause, TextLines
from streamrnn_cli.sources import open_source, pieces, tail
from streamrnn_cli.sources.tail import open_tail


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(tail, "TURN", 0.005)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.csv"


def append(path, text):
    with open(path, "ab") as file:
        file.write(text.encode())


class Follower:
    """A source over a file, its items, and what it remarked."""

    def __init__(self, path, position=None):
        self.told = []
        self._context = open_tail(str(path))
        self.source = self._context.__enter__()
        self.source.note = self.told.append
        if position is not None:
            self.source.seek(position)
        self.items = self.source.items()

    def rows(self, count, name="a"):
        return column(use(self.source, take(self.items, count)), name)

    def leave(self):
        """Go away, as at the end of a run; return the position."""
        position = self.source.position()
        self.items.close()
        self._context.__exit__(None, None, None)
        return position


@pytest.fixture
def follow():
    made = []

    def begin(path, position=None):
        made.append(Follower(path, position))
        return made[-1]

    yield begin
    for follower in made:
        follower.leave()


def test_rows_come_as_they_are_written(path, follow):
    append(path, "a,b\n1,x\n")
    file = follow(path)
    assert file.source.is_live
    assert file.rows(1) == ["1"]
    idle(file.items)
    append(path, "2,ü\n3,")
    assert file.rows(1) == ["2"]
    idle(file.items)
    append(path, "y\n\n4,z\n")
    assert file.rows(2) == ["3", "4"]
    assert file.told == []


def test_a_header_that_is_not_complete_yet(path, follow):
    append(path, "a,")
    file = follow(path)
    idle(file.items)
    append(path, "b\n")
    idle(file.items)
    append(path, "1,2\n")
    assert file.rows(1, "b") == ["2"]


def test_through_the_scheme_and_by_the_first_line(tmp_path):
    path = tmp_path / "events"
    append(path, '{"a": 1}\n{"a"')
    with open_source(f"tail:{path}") as source:
        items = source.items()
        (row,) = take(items, 1)
        assert row.cells == (1,)
        append(path, ": 2}\nnonsense\n")
        more = take(items, 2)
    assert more[0].cells == (2,)
    assert "line 3: not JSON" in more[1].format_message()


def test_a_file_that_does_not_exist_yet(path, follow):
    file = follow(path)
    idle(file.items)
    append(path, "a\n1\n")
    assert file.rows(1) == ["1"]
    assert file.told == [f"{path}: does not exist yet; waiting for it"]


def test_what_is_no_file_that_grows(tmp_path, follow):
    with pytest.raises(DataError, match="is not a file that can grow"):
        next(follow(tmp_path).items)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="streamrnn live - < "):
        next(follow(tmp_path / "pipe").items)
    with pytest.raises(DataError, match="cannot be followed"):
        follow(tmp_path / "s.csv.gz")


def test_the_columns_of_another_file_come_in_another_order(path, follow):
    append(path, "a,b\n1,x\n")
    file = follow(path)
    assert file.rows(1) == ["1"]
    path.rename(path.with_suffix(".1"))
    append(path, "b, a\ny,2\nz,3\n")
    assert file.rows(2) == ["2", "3"]
    append(path, "w,4\n")
    assert follow(path, file.leave()).rows(1) == ["4"]


def test_a_replaced_file_is_read_to_its_end(path, follow):
    append(path, "a,b\n1,x\n")
    file = follow(path)
    assert file.rows(1) == ["1"]
    old = path.rename(path.with_suffix(".1"))
    append(old, "2,y\n")
    append(path, "a,b\n10,z\n")
    append(old, "3,y")
    assert file.rows(3) == ["2", "3", "10"]
    append(path, "11,z\n")
    assert file.rows(1) == ["11"]


def test_a_new_file_without_a_header(path, follow):
    append(path, "a,b\n1,x\n")
    file = follow(path)
    assert file.rows(1) == ["1"]
    path.rename(path.with_suffix(".1"))
    idle(file.items)
    append(path, "2,x\n")
    assert file.rows(1) == ["2"]
    assert file.told == [f"{path}: has been moved away or removed; waiting for a new one"]


def test_lines_of_json_that_are_equal_are_no_headers(tmp_path, follow):
    path = tmp_path / "s.jsonl"
    append(path, '{"a": 1}\n')
    file = follow(path)
    assert file.rows(1) == [1]
    path.rename(path.with_suffix(".1"))
    append(path, '{"a": 1}\n{"a": 2}\n')
    assert file.rows(2) == [1, 2]


def test_a_file_that_is_cut_off(path, follow):
    append(path, "a\n1\n2\n3")
    file = follow(path)
    assert file.rows(2) == ["1", "2"]
    idle(file.items)
    os.truncate(path, 0)
    append(path, "a\n4\n")
    assert file.rows(1) == ["4"]
    assert file.told == [f"{path}: has been cut off; begins again with what it holds now"]


def test_going_on_at_a_position(path, follow):
    append(path, "a\n1\n2\n3\n4\n")
    file = follow(path)
    assert file.rows(2) == ["1", "2"]
    take(file.items, 1)
    position = file.leave()
    assert (position["byte"], position["line"]) == (6, 3)
    append(path, "5\n")
    again = follow(path, position)
    assert again.rows(3) == ["3", "4", "5"]
    assert again.source.position() | {"byte": 12, "line": 6} == again.source.position()
    assert again.told == []


def test_a_position_before_the_first_row(path, follow):
    append(path, "a\n1\n")
    position = follow(path).leave()
    assert follow(path, position).rows(1) == ["1"]


def test_going_on_in_a_file_that_was_renamed_meanwhile(path, follow):
    append(path, "a\n1\n2\n3\n")
    file = follow(path)
    assert file.rows(1) == ["1"]
    position = file.leave()
    path.rename(path.with_suffix(".1"))
    append(path, "a\n4\n")
    again = follow(path, position)
    assert again.rows(3) == ["2", "3", "4"]
    assert again.told == []
    third = follow(path, again.leave())
    append(path, "5\n")
    assert third.rows(1) == ["5"]


def test_going_on_at_the_end_of_a_renamed_file_without_a_line_end(path, follow):
    append(path, "a\n1\n2")
    file = follow(path)
    assert file.rows(1) == ["1"]
    path.rename(path.with_suffix(".1"))
    append(path, "a\n")
    assert file.rows(1) == ["2"]
    position = file.leave()
    append(path, "3\n")
    assert follow(path, position).rows(1) == ["3"]


def test_going_on_in_the_second_file(path, follow):
    append(path, "a,b\n1,x\n")
    file = follow(path)
    assert file.rows(1) == ["1"]
    path.rename(path.with_suffix(".1"))
    append(path, "a,b\n2,x\n3,x\n")
    assert file.rows(1) == ["2"]
    position = file.leave()
    assert (position["byte"], position["line"]) == (8, 2)
    assert follow(path, position).rows(1) == ["3"]


@pytest.mark.parametrize("text", ["a\n7\n8\n9\n", "a\n", "a\n1\n"])
def test_another_file_since_the_last_run(path, follow, text):
    append(path, "a\n1\n2\n")
    file = follow(path)
    assert file.rows(2) == ["1", "2"]
    position = file.leave()
    path.write_text(text)
    append(path, "10\n")
    again = follow(path, position)
    assert again.rows(1) == [text.splitlines()[1] if len(text) > 2 else "10"]
    assert again.told == [
        f"{path}: is not the file that was read before, and that one is not beside it; "
        "begins with the new one"
    ]


def test_a_file_that_was_edited_since(path, follow):
    text = "a\n" + "1\n" * 1000
    append(path, text)
    file = follow(path)
    file.rows(900)
    position = file.leave()
    path.write_text(text[:1698] + "22\n" * 200)
    with pytest.raises(DataError, match="has no line that ends at byte"):
        follow(path, position).rows(1)


def test_a_line_without_end(path, follow, monkeypatch):
    monkeypatch.setattr(pieces, "LONGEST", 1000)
    append(path, "a\n" + "x" * 2000)
    with pytest.raises(DataError, match="a line of more than"):
        take(follow(path).items, 1)


def test_a_long_row_is_read_in_chunks(path, follow, monkeypatch):
    monkeypatch.setattr(tail, "CHUNK", 7)
    append(path, "a,b\n" + "1" * 1000 + ",ö\n2,y\n")
    assert follow(path).rows(2) == ["1" * 1000, "2"]


def test_waiting_for_a_first_line_for_long():
    waits = 100_000

    def lines():
        for i in range(waits + 2):
            yield b"a\n" if i > waits else None

    class Slow:
        def __init__(self):
            self.made = lines()

        def __iter__(self):
            return self

        def __next__(self):
            line = next(self.made)
            if line is None:
                raise Pause
            return line

    text = TextLines(Slow(), "it")
    for _ in range(waits):
        with pytest.raises(Pause):
            text.first()
    while True:
        try:
            assert text.first() == "a\n"
            break
        except Pause:
            continue
    assert next(text) == "a\n"
