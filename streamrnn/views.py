"""Cheap views into flat arrays or at addresses, and small records read from flat arrays.

An ordinary slice in compiled code counts references, which at some 10-200 ns apiece is too dear for
the inner loops. The views made here borrow memory without counting: they are valid only while
somebody else keeps the memory, and must never be returned to Python.
"""

from __future__ import annotations

import ctypes
from typing import Any, TypeVar

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from streamrnn._dispatch import compiled_as

Record = TypeVar("Record", bound=Any)

#: Parts of a flat array start on multiples of this many elements: a cache line of float32 values.
ALIGNMENT = 16


def _borrow(context: Any, builder: Any, array_type: Any, data: Any, shape: Any) -> Any:
    """Emit an array struct of the numbers from `data` on, which owns nothing."""
    item = context.get_constant(
        types.intp, context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    )
    strides = [item]
    for extent in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], extent))
    view = make_array(array_type)(context, builder)
    populate_array(
        view,
        data=data,
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=item,
        meminfo=None,
    )
    return view._getvalue()


def _check_writable(base: Any) -> None:
    """Refuse to compile for read-only memory: a view could not tell, and would write to it."""
    if not base.mutable:
        raise TypingError(f"the array is read-only: {base}")


@intrinsic
def _vector(typing_context, base, offset, size):
    _check_writable(base)
    array_type = types.Array(base.dtype, 1, "C")

    def generate(context, builder, signature, args):
        array = make_array(signature.args[0])(context, builder, args[0])
        data = builder.gep(array.data, [args[1]])
        return _borrow(context, builder, array_type, data, [args[2]])

    return array_type(base, types.intp, types.intp), generate


@intrinsic
def _matrix(typing_context, base, offset, rows, columns):
    _check_writable(base)
    array_type = types.Array(base.dtype, 2, "C")

    def generate(context, builder, signature, args):
        array = make_array(signature.args[0])(context, builder, args[0])
        data = builder.gep(array.data, [args[1]])
        return _borrow(context, builder, array_type, data, [args[2], args[3]])

    return array_type(base, types.intp, types.intp, types.intp), generate


@intrinsic
def _row(typing_context, base, index):
    _check_writable(base)
    array_type = types.Array(base.dtype, 1, "C")

    def generate(context, builder, signature, args):
        array = make_array(signature.args[0])(context, builder, args[0])
        columns = cgutils.unpack_tuple(builder, array.shape)[1]
        data = builder.gep(array.data, [builder.mul(args[1], columns)])
        return _borrow(context, builder, array_type, data, [columns])

    return array_type(base, types.intp), generate


@intrinsic
def _rows(typing_context, base, n):
    _check_writable(base)
    array_type = types.Array(base.dtype, 2, "C")

    def generate(context, builder, signature, args):
        array = make_array(signature.args[0])(context, builder, args[0])
        columns = cgutils.unpack_tuple(builder, array.shape)[1]
        return _borrow(context, builder, array_type, array.data, [args[1], columns])

    return array_type(base, types.intp), generate


@intrinsic
def _matrix_at(typing_context, address, rows, columns, like):
    array_type = types.Array(types.unliteral(like), 2, "C")

    def generate(context, builder, signature, args):
        element = context.get_data_type(array_type.dtype)
        data = builder.inttoptr(args[0], element.as_pointer())
        return _borrow(context, builder, array_type, data, [args[1], args[2]])

    return array_type(types.intp, types.intp, types.intp, like), generate


@intrinsic
def _address_of(typing_context, array):
    def generate(context, builder, signature, args):
        data = make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, context.get_value_type(types.intp))

    return types.intp(array), generate


def vector(base: np.ndarray, offset: int, size: int) -> np.ndarray:
    """View ``base[offset : offset + size]``; `base` is a contiguous vector."""
    return base[offset : offset + size]


def matrix(base: np.ndarray, offset: int, rows: int, columns: int) -> np.ndarray:
    """View `rows` x `columns` elements of the contiguous vector `base` from `offset`."""
    return base[offset : offset + rows * columns].reshape(rows, columns)


def row(base: np.ndarray, index: int) -> np.ndarray:
    """View ``base[index]``; `base` is a C-contiguous matrix."""
    return base[index]


def rows(base: np.ndarray, n: int) -> np.ndarray:
    """View ``base[:n]``; `base` is a C-contiguous matrix."""
    return base[:n]


def matrix_at(address: int, rows: int, columns: int, like: Any) -> np.ndarray:
    """View `rows` x `columns` numbers of the type of `like` from a memory address on."""
    dtype = np.dtype(type(like))
    size = rows * columns
    memory: Any = (ctypes.c_char * (size * dtype.itemsize)).from_address(address)
    return np.ndarray((rows, columns), dtype, memory)


def address_of(array: np.ndarray) -> int:
    """Return where an array's numbers begin; `matrix_at` is the way back."""
    return int(array.__array_interface__["data"][0])


@compiled_as(vector)
def _emit_vector(base, offset, size):
    return lambda base, offset, size: _vector(base, offset, size)


@compiled_as(matrix)
def _emit_matrix(base, offset, rows, columns):
    return lambda base, offset, rows, columns: _matrix(base, offset, rows, columns)


@compiled_as(row)
def _emit_row(base, index):
    return lambda base, index: _row(base, index)


@compiled_as(rows)
def _emit_rows(base, n):
    return lambda base, n: _rows(base, n)


@compiled_as(matrix_at)
def _emit_matrix_at(address, rows, columns, like):
    return lambda address, rows, columns, like: _matrix_at(address, rows, columns, like)


@compiled_as(address_of)
def _emit_address_of(array):
    return lambda array: _address_of(array)


@intrinsic
def _record(typing_context, pattern, values, offset):
    record_type = types.NamedTuple([values.dtype] * len(pattern.fields), pattern.instance_class)

    def generate(context, builder, signature, args):
        array = make_array(signature.args[1])(context, builder, args[1])
        fields = [
            builder.load(builder.gep(array.data, [builder.add(args[2], args[2].type(i))]))
            for i in range(len(pattern.fields))
        ]
        return context.make_tuple(builder, record_type, fields)

    return record_type(pattern, values, types.intp), generate


def record(pattern: Record, values: np.ndarray, offset: int) -> Record:
    """Read a NamedTuple of `pattern`'s class from ``values[offset:]``, field by field.

    Passing numbers to compiled code in an array costs 0.04 µs; passing them in a NamedTuple costs
    0.4 µs and more. `pattern` only tells the class.
    """
    size = len(pattern._fields)
    return type(pattern)(*values[offset : offset + size].tolist())


@compiled_as(record)
def _emit_record(pattern, values, offset):
    return lambda pattern, values, offset: _record(pattern, values, offset)


@intrinsic
def _keep(typing_context, numbers, values, offset):
    def generate(context, builder, signature, args):
        array = make_array(signature.args[1])(context, builder, args[1])
        for i in range(len(signature.args[0])):
            number = context.cast(
                builder,
                builder.extract_value(args[0], i),
                signature.args[0][i],
                signature.args[1].dtype,
            )
            place = builder.gep(array.data, [builder.add(args[2], args[2].type(i))])
            builder.store(number, place)
        return context.get_dummy_value()

    return types.void(numbers, values, types.intp), generate


def keep(numbers: tuple, values: np.ndarray, offset: int) -> None:
    """Write a tuple of numbers to ``values[offset:]``, where `record` finds them again."""
    values[offset : offset + len(numbers)] = numbers


@compiled_as(keep)
def _emit_keep(numbers, values, offset):
    return lambda numbers, values, offset: _keep(numbers, values, offset)


def aligned_zeros(size: int, dtype: np.dtype | str) -> np.ndarray:
    """Allocate zeros from a 64-byte boundary on, so that no vector load splits a cache line."""
    dtype = np.dtype(dtype)
    buffer = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + size * dtype.itemsize].view(dtype)
