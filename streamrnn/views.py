"""Cheap views into flat arrays or at addresses, and small records read from flat arrays.

An ordinary slice in compiled code counts references, which at some 10-200 ns apiece is too dear for
the inner loops. The views made here borrow memory without counting: they are valid only while
somebody else keeps the memory, and must never be returned to Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar, cast

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import make_array, populate_array

Record = TypeVar("Record", bound=Any)

#: Parts of a flat array start on multiples of this many elements: a cache line of float32 values.
ALIGNMENT = 16


def _borrow(context: Any, builder: Any, array_type: Any, data: Any, shape: Any) -> Any:
    """Emit an array struct of the numbers from `data` on, which owns nothing."""
    strides = [_item_size(context, array_type)]
    for extent in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], extent))
    return _borrow_spaced(context, builder, array_type, data, shape, strides)


def _item_size(context: Any, array_type: Any) -> Any:
    return context.get_constant(
        types.intp, context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    )


def _borrow_spaced(
    context: Any, builder: Any, array_type: Any, data: Any, shape: Any, strides: Any
) -> Any:
    """Do as `_borrow` with these strides, in bytes."""
    view = make_array(array_type)(context, builder)
    populate_array(
        view,
        data=data,
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=_item_size(context, array_type),
        meminfo=None,
    )
    return view._getvalue()


def _check_writable(base: Any) -> None:
    """Refuse to compile for read-only memory: a view could not tell, and would write to it."""
    if not base.mutable:
        raise TypingError(f"the array is read-only: {base}")


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


def stripe(base: np.ndarray, first: int, step: int) -> np.ndarray:
    """View ``base[:, first::step]``: the columns of a C-contiguous matrix that are one lane's."""
    return base[:, first::step]


def line(base: np.ndarray) -> np.ndarray:
    """View ``base[0]``; `base` may be a `stripe`, whose numbers lie apart."""
    return base[0]


def item(base: np.ndarray, i: int) -> Any:
    """Read ``base[i]`` of a contiguous vector, where `i` is known not to be negative.

    An index that may count from the end costs a device three instructions more.
    """
    return base[i]


def put(base: np.ndarray, i: int, value: Any) -> None:
    """Write ``base[i]``, as `item` reads it."""
    base[i] = value


def matrix_at(address: int, rows: int, columns: int, like: Any) -> np.ndarray:
    """View `rows` x `columns` numbers of the type of `like` from a memory address on."""
    dtype = np.dtype(type(like))
    size = rows * columns
    memory: Any = (ctypes.c_char * (size * dtype.itemsize)).from_address(address)
    return np.ndarray((rows, columns), dtype, memory)


def address_of(array: np.ndarray) -> int:
    """Return where an array's numbers begin; `matrix_at` is the way back."""
    return int(array.__array_interface__["data"][0])


def _view(function: Any, dimensions: int) -> Callable[[Any], Any]:
    """Return a decorator: what it decorates gives the offset and the shape of `function`'s view.

    The code is emitted in the place of a call. An ``overload`` would compile a function for every
    set of argument types: 5 % of the time to compile a model.
    """

    def add(emit: Any) -> Any:
        @type_callable(function)
        def _(context: Any) -> Any:
            def view_type(base: Any, *numbers: Any) -> Any:
                _check_writable(base)
                return types.Array(base.dtype, dimensions, "C")

            cast(Any, view_type).pysig = signature(function)  # Numba folds no *numbers
            return view_type

        @lower_builtin(function, types.Array, types.VarArg(types.Integer))
        def _(context: Any, builder: Any, typed: Any, arguments: Any) -> Any:
            base = make_array(typed.args[0])(context, builder, arguments[0])
            numbers = [
                context.cast(builder, number, given, types.intp)
                for number, given in zip(arguments[1:], typed.args[1:], strict=True)
            ]
            offset, shape = emit(builder, base, *numbers)
            data = builder.gep(base.data, [offset])
            return _borrow(context, builder, typed.return_type, data, shape)

        return emit

    return add


@_view(vector, 1)
def _emit_vector(builder, base, offset, size):
    return offset, [size]


@_view(matrix, 2)
def _emit_matrix(builder, base, offset, rows, columns):
    return offset, [rows, columns]


@_view(row, 1)
def _emit_row(builder, base, index):
    columns = cgutils.unpack_tuple(builder, base.shape)[1]
    return builder.mul(index, columns), [columns]


@_view(rows, 2)
def _emit_rows(builder, base, n):
    columns = cgutils.unpack_tuple(builder, base.shape)[1]
    return n.type(0), [n, columns]


@type_callable(stripe)
def _stripe_type(context):
    return lambda base, first, step: types.Array(base.dtype, 2, "A")


@lower_builtin(stripe, types.Array, types.Integer, types.Integer)
def _emit_stripe(context, builder, typed, arguments):
    base = make_array(typed.args[0])(context, builder, arguments[0])
    first, step = (
        context.cast(builder, number, given, types.intp)
        for number, given in zip(arguments[1:], typed.args[1:], strict=True)
    )
    rows, columns = cgutils.unpack_tuple(builder, base.shape)
    item, one = _item_size(context, typed.return_type), first.type(1)
    left = builder.sub(builder.add(columns, step), builder.add(first, one))
    count = builder.select(
        builder.icmp_signed("<", first, columns), builder.sdiv(left, step), first.type(0)
    )
    strides = [builder.mul(columns, item), builder.mul(step, item)]
    data = builder.gep(base.data, [first])
    return _borrow_spaced(context, builder, typed.return_type, data, [rows, count], strides)


@type_callable(line)
def _line_type(context):
    return lambda base: types.Array(base.dtype, 1, base.layout)


@lower_builtin(line, types.Array)
def _emit_line(context, builder, typed, arguments):
    base = make_array(typed.args[0])(context, builder, arguments[0])
    columns, stride = (
        cgutils.unpack_tuple(builder, numbers)[1] for numbers in (base.shape, base.strides)
    )
    return _borrow_spaced(context, builder, typed.return_type, base.data, [columns], [stride])


def _place(context, builder, typed, arguments):
    base = make_array(typed.args[0])(context, builder, arguments[0])
    return builder.gep(base.data, [context.cast(builder, arguments[1], typed.args[1], types.intp)])


@type_callable(item)
def _item_type(context):
    return lambda base, i: base.dtype


@lower_builtin(item, types.Array, types.Integer)
def _emit_item(context, builder, typed, arguments):
    return builder.load(_place(context, builder, typed, arguments))


@type_callable(put)
def _put_type(context):
    return lambda base, i, value: types.none


@lower_builtin(put, types.Array, types.Integer, types.Any)
def _emit_put(context, builder, typed, arguments):
    value = context.cast(builder, arguments[2], typed.args[2], typed.args[0].dtype)
    builder.store(value, _place(context, builder, typed, arguments))
    return context.get_dummy_value()


@type_callable(matrix_at)
def _matrix_at_type(context):
    def matrix_type(address, rows, columns, like):
        return types.Array(types.unliteral(like), 2, "C")

    return matrix_type


@lower_builtin(matrix_at, types.Integer, types.Integer, types.Integer, types.Any)
def _emit_matrix_at(context, builder, typed, arguments):
    address, *shape = (
        context.cast(builder, number, given, types.intp)
        for number, given in zip(arguments[:3], typed.args[:3], strict=True)
    )
    element = context.get_data_type(typed.return_type.dtype)
    data = builder.inttoptr(address, element.as_pointer())
    return _borrow(context, builder, typed.return_type, data, shape)


@type_callable(address_of)
def _address_of_type(context):
    return lambda array: types.intp


@lower_builtin(address_of, types.Array)
def _emit_address_of(context, builder, typed, arguments):
    data = make_array(typed.args[0])(context, builder, arguments[0]).data
    return builder.ptrtoint(data, context.get_value_type(types.intp))


def record(pattern: Record, values: np.ndarray, offset: int) -> Record:
    """Read a NamedTuple of `pattern`'s class from ``values[offset:]``, field by field.

    Passing numbers to compiled code in an array costs 0.04 µs; passing them in a NamedTuple costs
    0.4 µs and more. `pattern` only tells the class.
    """
    size = len(pattern._fields)
    return type(pattern)(*values[offset : offset + size].tolist())


@type_callable(record)
def _record_type(context):
    def record_type(pattern, values, offset):
        return types.NamedTuple([values.dtype] * len(pattern.fields), pattern.instance_class)

    return record_type


@lower_builtin(record, types.BaseNamedTuple, types.Array, types.Integer)
def _emit_record(context, builder, typed, arguments):
    array = make_array(typed.args[1])(context, builder, arguments[1])
    first = context.cast(builder, arguments[2], typed.args[2], types.intp)
    fields = [
        builder.load(builder.gep(array.data, [builder.add(first, first.type(i))]))
        for i in range(len(typed.return_type))
    ]
    return context.make_tuple(builder, typed.return_type, fields)


def keep(numbers: tuple, values: np.ndarray, offset: int) -> None:
    """Write a tuple of numbers to ``values[offset:]``, where `record` finds them again."""
    values[offset : offset + len(numbers)] = numbers


@type_callable(keep)
def _keep_type(context):
    return lambda numbers, values, offset: types.none


@lower_builtin(keep, types.BaseTuple, types.Array, types.Integer)
def _emit_keep(context, builder, typed, arguments):
    array = make_array(typed.args[1])(context, builder, arguments[1])
    first = context.cast(builder, arguments[2], typed.args[2], types.intp)
    for i, given in enumerate(typed.args[0].types):
        number = builder.extract_value(arguments[0], i)
        place = builder.gep(array.data, [builder.add(first, first.type(i))])
        builder.store(context.cast(builder, number, given, typed.args[1].dtype), place)
    return context.get_dummy_value()


def aligned_zeros(size: int, dtype: np.dtype | str) -> np.ndarray:
    """Allocate zeros from a 64-byte boundary on, so that no vector load splits a cache line."""
    dtype = np.dtype(dtype)
    buffer = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + size * dtype.itemsize].view(dtype)
