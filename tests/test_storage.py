"""The file format: what other readers see, what is refused; files are whole or not there."""

import errno
import json
import os
import resource
import stat
import sys

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from streamrnn import durable, storage
from streamrnn.storage import FormatError, pack, pieces, unpack

DOCUMENT = {"class": "streamrnn.Nothing", "text": 'quotes " and é', "numbers": [1, 2.5, None]}


def arrays():
    payload = np.array([0x7FF8000000000123, 0x8000000000000000], np.uint64).view(np.float64)
    return {
        "small": np.arange(3, dtype=np.float32),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "payload": payload,
        "empty": np.zeros((0, 4), np.float32),
        "text": np.frombuffer(b"abc", np.uint8),
        "strided": np.arange(10)[::3],
    }


def sealed(header, data=b"", data_digest=None):
    """A file with this header, a dict, and the digest that goes with it: anybody can make one."""
    header = json.loads(json.dumps(header))
    metadata = header["__metadata__"]
    metadata["streamrnn_digest"] = "0" * 64
    metadata["streamrnn_data"] = data_digest or storage._hexdigest([data])
    text = json.dumps(header, separators=(",", ":")).encode()
    text = storage._with_digest(text, storage._digest_of_header(text))
    return len(text).to_bytes(8, "little") + text + data


def header_of(data):
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def test_what_goes_in_comes_out_bit_for_bit():
    parcel = unpack(pack(DOCUMENT, arrays()))
    assert parcel.document == DOCUMENT
    read = parcel.arrays()
    assert set(read) == set(arrays())
    for name, array in arrays().items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape == parcel.specs[name].shape
        assert read[name].tobytes() == array.tobytes()
        assert not read[name].flags.writeable


def test_the_same_model_gives_the_same_bytes():
    reordered = dict(reversed(arrays().items()))
    assert pack(DOCUMENT, arrays()) == pack(DOCUMENT, arrays())
    assert unpack(pack(DOCUMENT, reordered)).specs == unpack(pack(DOCUMENT, arrays())).specs


def test_any_reader_of_safetensors_can_open_it(tmp_path):
    path = tmp_path / "model.safetensors"
    durable.write(path, pieces(DOCUMENT, arrays()))
    theirs = load_file(path)
    for name, array in arrays().items():
        np.testing.assert_array_equal(theirs[name], array)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    assert json.loads(metadata["streamrnn"]) == DOCUMENT
    assert metadata["streamrnn_format"] == "1"


def test_big_endian_numbers_are_turned_round():
    read = unpack(pack({}, {"x": np.arange(3, dtype=">f8")})).arrays()["x"]
    np.testing.assert_array_equal(read, [0.0, 1.0, 2.0])


def test_other_types_of_arrays_are_refused():
    with pytest.raises(TypeError, match=r"'x' is of complex128"):
        pack({}, {"x": np.zeros(2, complex)})


def test_a_newer_format_is_told_before_anything_else():
    data = pack(DOCUMENT, {})
    newer = data.replace(b'"streamrnn_format":"1"', b'"streamrnn_format":"2"')
    with pytest.raises(FormatError, match=r"has format 2.*reads up to 1: install a newer"):
        unpack(newer)
    with pytest.raises(FormatError, match="format 0, which never was"):
        unpack(data.replace(b'"streamrnn_format":"1"', b'"streamrnn_format":"0"'))


def test_every_flipped_bit_is_noticed():
    data = pack({"class": "x"}, {"x": np.arange(4.0)})
    for place in range(len(data)):
        for bit in (0, 7):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            with pytest.raises(FormatError):
                unpack(damaged).arrays()


def test_every_shorter_or_longer_file_is_refused():
    data = pack({"class": "x"}, {"x": np.arange(4.0)})
    for length in range(len(data)):
        with pytest.raises(FormatError):
            unpack(data[:length]).arrays()
    with pytest.raises(FormatError, match="cut short or tampered with"):
        unpack(data + b"\0").arrays()


@pytest.mark.parametrize("data", [b"", b"\x80\x04K\x01.", b"x" * 100, b"\xff" * 100, b"\0" * 100])
def test_other_files_are_no_models(data):
    with pytest.raises(FormatError, match="is no model saved by streamrnn, or was cut short"):
        unpack(data)


@pytest.mark.parametrize(
    "field",
    [
        None,
        [],
        {"dtype": "F64", "shape": [4]},
        {"dtype": "F64", "shape": [4], "data_offsets": [0]},
        {"dtype": "F64", "shape": [4], "data_offsets": [0, 33]},
        {"dtype": "F64", "shape": [4], "data_offsets": [8, 40]},
        {"dtype": "F64", "shape": [-4], "data_offsets": [0, 32]},
        {"dtype": "F64", "shape": [4.0], "data_offsets": [0, 32]},
        {"dtype": "F64", "shape": [True], "data_offsets": [0, 8]},
        {"dtype": "F64", "shape": 4, "data_offsets": [0, 32]},
        {"dtype": "F64", "shape": [10**12], "data_offsets": [0, 8 * 10**12]},
        {"dtype": "F64", "shape": [2**62, 2**62], "data_offsets": [0, 2**127]},
        {"dtype": "F16", "shape": [16], "data_offsets": [0, 32]},
        {"dtype": ["F64"], "shape": [4], "data_offsets": [0, 32]},
    ],
)
def test_descriptions_of_arrays_that_cannot_be(field):
    header, data = header_of(pack({}, {"x": np.arange(4.0)}))
    header["x"] = field
    with pytest.raises(FormatError):
        unpack(sealed(header, data))


@pytest.mark.parametrize("shape", [[0] * 100, [0, 10**4000], [2**62, 0, 2**62]])
def test_empty_arrays_that_cannot_be(shape):
    header, data = header_of(pack({}, {}))
    header["x"] = {"dtype": "F64", "shape": shape, "data_offsets": [0, 0]}
    with pytest.raises(FormatError, match="as none can be"):
        unpack(sealed(header, data))


@pytest.mark.parametrize("more", ['"__metadata__":5', '"x":{}'])
def test_names_that_come_twice(more):
    data = pack({}, {"x": np.arange(4.0)})
    length = int.from_bytes(data[:8], "little")
    text = (data[8 : 8 + length].rstrip()[:-1].decode() + f",{more}}}").encode()
    text = storage._with_digest(text, storage._digest_of_header(text))
    with pytest.raises(FormatError, match="a name comes twice"):
        unpack(len(text).to_bytes(8, "little") + text + data[8 + length :])


def test_arrays_must_not_overlap_or_leave_gaps():
    header, data = header_of(pack({}, {"x": np.arange(4.0), "y": np.arange(4.0)}))
    header["y"] = dict(header["x"])
    with pytest.raises(FormatError, match="array 'y'"):
        unpack(sealed(header, data))


@pytest.mark.parametrize("document", [5, "[" * 100_000, "nonsense", "[1]", '{"a": ' * 5000])
def test_descriptions_that_are_no_json_object(document):
    header, data = header_of(pack({}, {}))
    header["__metadata__"]["streamrnn"] = document
    with pytest.raises(FormatError, match="header that no model has"):
        unpack(sealed(header, data))


def test_a_length_beyond_the_file_allocates_nothing(tmp_path):
    path = tmp_path / "model"
    path.write_bytes((10**15).to_bytes(8, "little") + b"{}" * 50)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FormatError, match="no model saved by streamrnn"), storage.opened(path):
        pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # kB


def test_a_huge_file_is_not_read_before_the_caller_agrees(tmp_path):
    path = tmp_path / "model"
    n = 1 << 38  # a quarter of a terabyte, none of it on the disk
    header, _ = header_of(pack({}, {}))
    header["x"] = {"dtype": "U8", "shape": [n], "data_offsets": [0, n]}
    data = sealed(header)
    with open(path, "wb") as file:
        file.write(data)
        file.truncate(len(data) + n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with storage.opened(path) as parcel:
        assert parcel.specs["x"].shape == (n,)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # kB


def test_a_header_that_is_too_long_is_not_written(monkeypatch):
    monkeypatch.setattr(storage, "_MOST_HEADER", 1000)
    with pytest.raises(ValueError, match=r"takes 1.* bytes, the format allows 1000"):
        pack({"x": "y" * 1000}, {})


# --- whole or not at all


class BoomError(Exception):
    pass


def failing(*args, **kwargs):
    raise BoomError


@pytest.mark.parametrize("where", ["replace", "fsync"])
def test_a_failure_leaves_the_old_file_and_nothing_else(where, tmp_path, monkeypatch):
    path = tmp_path / "model"
    durable.write(path, [b"old"])
    monkeypatch.setattr(os, where, failing)
    with pytest.raises(BoomError):
        durable.write(path, [b"new"])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model"]


def test_a_piece_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        durable.write(tmp_path / "model", [b"new", "no bytes"])
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, done = tmp_path / "model", []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(handle):
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        done.append(kind)
        fsync(handle)

    def noting_replace(*names):
        done.append("name")
        replace(*names)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    durable.write(path, [b"a", b"b"])
    assert done == ["file", "name", "folder"]
    assert path.read_bytes() == b"ab"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_links_and_permissions_stay(tmp_path):
    path, link = tmp_path / "model", tmp_path / "latest"
    durable.write(path, [b"old"])
    path.chmod(0o640)
    link.symlink_to(path)
    durable.write(link, [b"new"])
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_name_may_be_as_long_as_the_disk_takes(tmp_path):
    path = tmp_path / ("é" * 127)  # 254 bytes of at most 255
    durable.write(path, [b"new"])
    assert path.read_bytes() == b"new"


def test_only_files_are_replaced(tmp_path):
    with pytest.raises(OSError, match="is not a file") as error:
        durable.write(tmp_path, [b"new"])
    assert error.value.errno == errno.EINVAL
    with pytest.raises(FileNotFoundError):
        durable.write(tmp_path / "no" / "model", [b"new"])
