"""Compiled code is kept where it can be, and read wherever it lies."""

import errno
import warnings
from pathlib import Path

import pytest
from numba.core import caching, config

from streamrnn._dispatch import entry


def add(value):
    return lambda x: x + value


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of compiled code, in place of all that Numba would find itself."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    places = [caching.CacheImpl._locator_classes[0]]
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", places)
    return tmp_path


@pytest.fixture
def read_only(folder, monkeypatch):
    """The same, once it cannot be written; root would not mind the mode of a folder."""

    def refuse(dir):
        raise PermissionError(errno.EACCES, "Permission denied", dir)

    def lock():
        monkeypatch.setattr(caching.tempfile, "TemporaryFile", refuse)
        return folder

    return lock


def use(value=1, factory=add):
    """Do what a new process does; return how often code was found and how often compiled."""
    function = entry(factory, value)
    assert function(2) == 2 + value
    stats = function.stats
    return sum(stats.cache_hits.values()), sum(stats.cache_misses.values())


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_code_is_found_again(folder):
    assert use() == (0, 1)
    assert use() == (1, 0)
    assert use(2) == (0, 1)


def test_code_is_found_in_a_folder_that_cannot_be_written(folder, read_only):
    use()
    before = contents(read_only())
    assert use() == (1, 0)
    assert contents(folder) == before


def test_what_is_not_there_is_compiled_with_a_warning(folder, read_only):
    use()
    before = contents(read_only())
    with pytest.warns(RuntimeWarning, match="not kept for the next process.*NUMBA_CACHE_DIR"):
        assert use(2) == (0, 1)
    assert contents(folder) == before


def test_or_goes_to_the_next_folder_that_can_be_written(folder, tmp_path, monkeypatch):
    use()
    first, *_ = caching.CacheImpl._locator_classes

    class Closed(first):
        def ensure_cache_path(self):
            raise PermissionError

    class Next(first):
        def get_cache_path(self):
            return str(tmp_path / "next")

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [Closed, Next])
    assert use() == (1, 0)
    assert not list((tmp_path / "next").iterdir())
    assert use(2) == (0, 1)
    assert {path.suffix for path in (tmp_path / "next").iterdir()} == {".nbi", ".nbc"}
    assert use(2) == (1, 0)


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", [b"", bytes(100), b"half"])
def test_damaged_files_are_compiled_anew_and_replaced(folder, suffix, damage):
    use()
    (path,) = folder.rglob(f"*{suffix}")
    path.write_bytes(damage)
    assert use() == (0, 1)
    assert use() == (1, 0)


def test_files_that_may_not_be_read_are_passed_over(folder, read_only, monkeypatch):
    use()
    read_only()

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_load_index", refuse)
    with pytest.warns(RuntimeWarning, match="not kept"):
        assert use() == (0, 1)


def test_a_full_disk_only_warns(folder, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", refuse)
    with pytest.warns(RuntimeWarning, match="No space left"):
        assert use() == (0, 1)


def test_the_date_of_the_source_does_not_count(folder, tmp_path):
    """A container image keeps the seconds of a date; what counts is the digest in the closure."""
    path = tmp_path / "module.py"
    path.write_text("def factory(value):\n    return lambda x: x + value\n")
    names = {}
    exec(compile(path.read_text(), path, "exec"), names)
    assert use(factory=names["factory"]) == (0, 1)
    path.touch()
    assert use(factory=names["factory"]) == (1, 0)


def test_cache_info_counts_and_names_files(folder):
    from streamrnn import cache_info

    before = cache_info()
    use()
    use()
    after = cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 1)
    here = [path for path in after.files if path.is_relative_to(folder)]
    assert set(here) == {Path(path) for path in contents(folder)}


def test_nothing_is_kept_if_so_told(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert entry(add, 3, keep=False)(2) == 5
    assert contents(folder) == {}
