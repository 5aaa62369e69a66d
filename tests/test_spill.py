"""Models set aside on disk: bit for bit, wholly or not at all, and nothing left behind."""

import copy
import errno
import gc
import os
import pickle
import shutil
import subprocess
import sys
import threading
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from streamrnn import spill as module
from streamrnn.spill import Spill


@pytest.fixture
def spill(tmp_path):
    made = Spill(tmp_path / "models")
    yield made
    made.close()


def model(rng, n=5000, m=31, dtype="float32"):
    """Two arrays of any bits at all: all kinds of NaN, infinities, denormals and both zeros."""
    size = np.dtype(dtype).itemsize
    return (
        np.frombuffer(rng.bytes(n * size), dtype),
        np.frombuffer(rng.bytes(m * 8), np.float64),
    )


def same(got, expected):
    return all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes()
        for a, b in zip(got, expected, strict=True)
    )


class TestRecords:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize(("n", "m"), [(5000, 31), (1, 1), (0, 13), (7, 0), (0, 0)])
    def test_the_same_bits_come_back(self, spill, rng, dtype, n, m):
        made = model(rng, n, m, dtype)
        ticket = spill.put(*made)
        assert same(spill.get(ticket), made)
        assert same(spill.get(ticket), made)  # it is still there

    def test_bits_of_special_numbers(self, spill):
        bits = [0x7FC00001, 0x7F800001, 0xFFFFFFFF, 0x80000000, 0x00000001, 0x7F800000]
        arena = np.array(bits, np.uint32).view(np.float32)
        statistics = np.array([0x7FF0000000000001, 1], np.uint64).view(np.float64)
        assert same(spill.get(spill.put(arena, statistics)), (arena, statistics))

    def test_into_arrays_that_are_there(self, spill, rng):
        made = model(rng)
        ticket = spill.put(*made)
        out = np.empty(5000, np.float32), np.empty(31)
        got = spill.get(ticket, out)
        assert got[0] is out[0]
        assert got[1] is out[1]
        assert same(out, made)

    def test_new_arrays_are_aligned_and_of_their_own(self, spill, rng):
        ticket = spill.put(*model(rng))
        arena, statistics = spill.get(ticket)
        assert arena.ctypes.data % 64 == statistics.ctypes.data % 64 == 0
        arena[:] = statistics[:] = 0
        assert spill.get(ticket)[1].tobytes() != statistics.tobytes()

    def test_many_at_once_in_any_order(self, spill, rng):
        kept = {}
        for step in range(2000):
            if kept and rng.random() < 0.4:
                ticket = list(kept)[rng.integers(len(kept))]
                assert same(spill.get(ticket), kept[ticket])
                spill.free(ticket)
                del kept[ticket]
            else:
                made = model(rng, int(rng.integers(1, 300)), 13, ["float32", "float64"][step % 2])
                kept[spill.put(*made)] = made
        assert len(spill) == len(kept) > 100
        assert all(same(spill.get(ticket), made) for ticket, made in kept.items())

    def test_freed_records_are_used_again(self, spill, rng):
        made = [model(rng) for _ in range(20)]
        tickets = [spill.put(*one) for one in made]
        size = spill.nbytes
        for ticket in tickets[:10]:
            spill.free(ticket)
        assert len(spill) == 10
        again = [spill.put(*one) for one in made[:10]]
        assert spill.nbytes == size
        for ticket, one in zip(again + tickets[10:], made, strict=True):
            assert same(spill.get(ticket), one)

    def test_a_model_that_grows(self, spill, rng):
        """Each size in between leaves its record to others; an empty file takes no space."""
        for n in range(1000, 3000, 10):
            made = model(rng, n)
            ticket = spill.put(*made)
            assert same(spill.get(ticket), made)
            spill.free(ticket)
        assert spill.nbytes == 0
        assert len(spill._files) < 16

    def test_sizes_of_records_are_few_and_little_is_wasted(self):
        exact = np.unique(np.geomspace(1, 1e9, 100_000).astype(int)).tolist()
        sizes = {n: module._record_size(n) for n in exact}
        assert all(n <= size <= max(64, 1.125 * n + 64) for n, size in sizes.items())
        assert len(set(sizes.values())) < 220

    def test_tickets_are_small(self, spill, rng):
        made = model(rng, 1, 1)
        tracemalloc.start()
        try:
            kept = [spill.put(*made) for _ in range(20_000)]
            used = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert len(set(kept)) == len(spill) == 20_000
        assert used < 4e6  # 20 MB for 100 000 of them

    def test_threads(self, spill):
        failures = []

        def work(seed):
            rng = np.random.default_rng(seed)
            kept = []
            for _ in range(150):
                made = model(rng, int(rng.integers(2000, 2400)))
                kept.append((spill.put(*made), made))
                if len(kept) > 5:
                    ticket, expected = kept.pop(int(rng.integers(5)))
                    if not same(spill.get(ticket), expected):
                        failures.append(ticket)
                    spill.free(ticket)
            failures.extend(ticket for ticket, made in kept if not same(spill.get(ticket), made))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert len(spill) == 20


class TestWrongUse:
    def test_a_ticket_that_was_freed(self, spill, rng):
        made = model(rng)
        ticket = spill.put(*made)
        spill.free(ticket)
        for use in (spill.get, spill.free):
            with pytest.raises(KeyError, match="freed"):
                use(ticket)
        # Nor does it reach the next model in the same place, even of the same bits.
        new = spill.put(*made)
        assert new.record == ticket.record
        with pytest.raises(KeyError):
            spill.free(ticket)
        assert same(spill.get(new), made)

    def test_a_ticket_from_elsewhere(self, spill, rng):
        made = model(rng)
        spill.put(*made)
        other = Spill()
        ticket = other.put(*made)
        other.close()
        with pytest.raises(KeyError, match="elsewhere"):
            spill.get(ticket)

    @pytest.mark.parametrize(
        "wrong",
        [
            np.zeros((2, 2)),
            np.zeros(4)[::2],
            np.zeros(2, np.int64),
            np.zeros(2, np.float16),
            np.zeros(2, ">f8" if sys.byteorder == "little" else "<f8"),
            [1.0],
        ],
    )
    def test_arrays_of_another_kind(self, spill, wrong):
        good = np.zeros(3)
        with pytest.raises(TypeError, match="arena must be"):
            spill.put(wrong, good)
        with pytest.raises(TypeError, match="statistics must be"):
            spill.put(good, wrong)
        ticket = spill.put(good, good)
        with pytest.raises(TypeError, match="arena must be"):
            spill.get(ticket, (wrong, good))
        assert len(spill) == 1

    def test_arrays_that_do_not_fit(self, spill):
        ticket = spill.put(np.zeros(3), np.zeros(3))
        for wrong in (np.zeros(4), np.zeros(3, np.float32)):
            with pytest.raises(ValueError, match="cannot fill"):
                spill.get(ticket, (np.zeros(3), wrong))

    def test_closed(self, spill, rng):
        ticket = spill.put(*model(rng))
        spill.close()
        spill.close()
        assert len(spill) == 0
        uses = (spill.get, [ticket]), (spill.free, [ticket]), (spill.put, model(rng))
        for use, what in uses:
            with pytest.raises(ValueError, match="closed"):
                use(*what)

    @pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_pickling_and_copying_are_refused(self, spill, act):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            act(spill)


class TestDisk:
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
    def test_a_write_that_fails_loses_nothing(self, spill, rng, monkeypatch, number):
        made = [model(rng) for _ in range(3)]
        tickets = [spill.put(*one) for one in made]
        spill.free(tickets.pop())
        full = Failing(after=9000, number=number)
        with monkeypatch.context() as patch:
            full.stand_before(spill, patch)
            with pytest.raises(
                OSError, match=r"record 2 .* cannot be written.*in memory"
            ) as caught:
                spill.put(*model(rng))
        assert caught.value.errno == number
        assert str(spill._folder) in str(caught.value)
        assert len(spill) == 2
        assert all(same(spill.get(t), one) for t, one in zip(tickets, made, strict=False))
        assert same(spill.get(spill.put(*made[2])), made[2])

    def test_short_writes_and_reads_go_on(self, spill, rng, monkeypatch):
        made = model(rng)
        spill.free(spill.put(*made))
        Failing(step=777).stand_before(spill, monkeypatch)
        assert same(spill.get(spill.put(*made)), made)

    def test_an_interrupt_while_writing(self, spill, rng, monkeypatch):
        keep = spill.put(*model(rng))
        with monkeypatch.context() as patch:
            Failing(after=0, error=KeyboardInterrupt).stand_before(spill, patch)
            with pytest.raises(KeyboardInterrupt):
                spill.put(*model(rng))
        assert len(spill) == 1
        assert spill.put(*model(rng)).record == keep.record + 1

    def test_a_disk_that_is_full(self, tmp_path, rng):
        if not hasattr(os, "geteuid") or os.geteuid() or not shutil.which("mount"):
            pytest.skip("needs the right to mount")
        folder = tmp_path / "small"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        spill = Spill(folder)
        try:
            kept = []
            made = model(rng)
            with pytest.raises(OSError, match="stays in memory") as caught:
                kept.extend((spill.put(*made), made) for _ in range(1000))
            assert caught.value.errno == errno.ENOSPC
            assert 5 < len(kept) == len(spill) < 15
            assert all(same(spill.get(ticket), made) for ticket, made in kept)
            spill.free(kept[3][0])
            again = spill.put(*made)
            assert same(spill.get(again), made)
        finally:
            spill.close()
            subprocess.run(["umount", str(folder)], check=True)

    def test_a_flipped_bit_is_told(self, spill, rng):
        made = [model(rng) for _ in range(3)]
        tickets = [spill.put(*one) for one in made]
        file = next(iter(spill._files.values()))
        at = tickets[1].record * file.record_size + 12_345
        file.raw.seek(at)
        (byte,) = file.raw.read(1)
        file.raw.seek(at)
        file.raw.write(bytes([byte ^ 4]))
        with pytest.raises(OSError, match=r"record 1 .*other bytes than were written") as caught:
            spill.get(tickets[1])
        assert str(spill._folder) in str(caught.value)
        assert same(spill.get(tickets[0]), made[0])
        assert same(spill.get(tickets[2]), made[2])
        spill.free(tickets[1])
        assert same(spill.get(spill.put(*made[1])), made[1])

    def test_a_truncated_file_is_told(self, spill, rng):
        made = [model(rng) for _ in range(2)]
        tickets = [spill.put(*one) for one in made]
        file = next(iter(spill._files.values()))
        file.raw.truncate(file.record_size + 100)
        with pytest.raises(OSError, match=r"record 1 .*ends too early"):
            spill.get(tickets[1])
        assert same(spill.get(tickets[0]), made[0])

    def test_a_folder_that_cannot_be(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match="file"):
            Spill(tmp_path / "file" / "models")

    def test_a_folder_that_went_away(self, tmp_path, rng):
        spill = Spill(tmp_path / "models")
        (tmp_path / "models").rmdir()
        with pytest.raises(OSError, match=r"no file of \d+-byte records can be made.*in memory"):
            spill.put(*model(rng))
        (tmp_path / "models").mkdir()
        made = model(rng)
        assert same(spill.get(spill.put(*made)), made)
        spill.close()


class Failing:
    """A file that takes a few bytes a call, and after so many of them fails."""

    def __init__(self, after=None, number=None, step=4096, error=None):
        self._left, self._step = after, step
        self._error = error or OSError(number, os.strerror(number or 0))

    def stand_before(self, spill, monkeypatch):
        file = next(iter(spill._files.values()))
        self._raw = file.raw
        monkeypatch.setattr(file, "raw", self)

    def write(self, piece):
        if self._left is not None:
            self._left -= min(len(piece), self._step)
            if self._left < 0:
                raise self._error
        return self._raw.write(piece[: self._step])

    def readinto(self, piece):
        return self._raw.readinto(piece[: self._step])

    def __getattr__(self, name):
        return getattr(self._raw, name)


class TestFiles:
    def test_two_in_one_folder(self, tmp_path, rng):
        one, other = Spill(tmp_path), Spill(tmp_path)
        made = [model(rng) for _ in range(4)]
        tickets = [spill.put(*m) for spill, m in zip([one, other] * 2, made, strict=True)]
        kept = [(spill, t, m) for spill, t, m in zip([one, other] * 2, tickets, made, strict=True)]
        assert all(same(spill.get(ticket), m) for spill, ticket, m in kept)
        one.close()
        assert all(same(other.get(ticket), m) for spill, ticket, m in kept if spill is other)
        other.close()

    def test_closing_gives_descriptors_and_space_back(self, tmp_path, rng):
        gc.collect()
        before = descriptors()
        for end in (Spill.close, lambda spill: None):
            spill = Spill(tmp_path)
            spill.put(*model(rng))
            spill.put(*model(rng, 50_000))
            assert len(descriptors()) == len(before) + 2
            end(spill)
            del spill
            gc.collect()
            assert descriptors() == before
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "end", ["pass", "sys.exit(3)", "os._exit(1)", "os.kill(os.getpid(), 9)"]
    )
    def test_nothing_stays_behind_a_process(self, tmp_path, end):
        if os.name == "nt" and "kill" in end:
            pytest.skip("signals of POSIX")
        script = (
            "import os, sys, numpy as np\n"
            "from streamrnn.spill import Spill\n"
            f"spill = Spill({str(tmp_path)!r})\n"
            "spill.put(np.ones(5000), np.ones(5))\n"
            f"{end}\n"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="fork of POSIX")
    def test_a_forked_process_is_refused_and_does_no_harm(self, tmp_path):
        """In a process of its own: this one may have threads, which a fork does not like."""
        script = (
            "import os, sys, numpy as np\n"
            "from streamrnn.spill import Spill\n"
            f"spill = Spill({str(tmp_path)!r})\n"
            "ticket = spill.put(np.ones(5000), np.ones(5))\n"
            "spill._lock.acquire()  # as if another thread were in the middle of something\n"
            "if os.fork() == 0:\n"
            "    for use, what in (spill.get, [ticket]), (spill.put, [np.ones(2)] * 2):\n"
            "        try:\n"
            "            use(*what)\n"
            "        except RuntimeError as error:\n"
            "            assert 'belongs to process' in str(error)\n"
            "        else:\n"
            "            os._exit(7)\n"
            "    spill.close()\n"
            "    sys.exit(0)\n"
            "assert os.wait()[1] == 0\n"
            "spill._lock.release()\n"
            "assert spill.get(ticket)[0].sum() == 5000\n"
            "spill.put(np.ones(5000), np.ones(5))\n"
        )
        subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)


def descriptors():
    """The open files of this process, counted by what they are."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no list of open files here")
    names = Counter()
    for name in os.listdir("/proc/self/fd"):
        try:
            names[os.readlink(f"/proc/self/fd/{name}")] += 1
        except OSError:
            continue
    # Of the listing itself nothing is counted, and files without a name differ by their number.
    return sorted(name for name in names.elements() if "/fd" not in name)
