"""Atomic access to shared integers, for compiled code that runs in several threads at once.

What one thread writes before a `publish`, another sees after a `look` that returned the value
published. Under plain Python these are ordinary reads and writes: no threads share work there.
"""

from __future__ import annotations

import platform
import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from streamrnn._dispatch import compiled_as

_WORD_BYTES = 8
_X86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")


def look(words: np.ndarray, index: int) -> int:
    """Read ``words[index]``, and see all that was written before it was published."""
    return words[index]


def publish(words: np.ndarray, index: int, value: int) -> None:
    """Set ``words[index]``; whoever looks at it sees all that was written before."""
    words[index] = value


def exchange(words: np.ndarray, index: int, expected: int, value: int) -> bool:
    """Set ``words[index]`` to `value` if it is `expected`; return whether it was."""
    if words[index] != expected:
        return False
    words[index] = value
    return True


def pause() -> None:
    """Tell the core that this is a loop which waits."""


def give_way() -> None:
    """Let another thread have the core, where the system knows how to."""


def nap() -> None:
    """Sleep for a millisecond or so, where the system knows how to."""


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


@intrinsic
def _look(typing_context, words, index):
    def generate(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        return builder.load_atomic(pointer, "acquire", _WORD_BYTES, typ=ir.IntType(64))

    return types.int64(words, types.intp), generate


@intrinsic
def _publish(typing_context, words, index, value):
    def generate(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        builder.store_atomic(args[2], pointer, "release", _WORD_BYTES)
        return context.get_dummy_value()

    return types.void(words, types.intp, types.int64), generate


@intrinsic
def _exchange(typing_context, words, index, expected, value):
    def generate(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        result = builder.cmpxchg(pointer, args[2], args[3], "acq_rel", "acquire")
        return builder.extract_value(result, 1)

    return types.boolean(words, types.intp, types.int64, types.int64), generate


@intrinsic
def _pause(typing_context):
    def generate(context, builder, signature, args):
        if _X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            hint = builder.module.declare_intrinsic("llvm.x86.sse2.pause", (), kind)
            builder.call(hint, [])
        return context.get_dummy_value()

    return types.void(), generate


@compiled_as(look)
def _emit_look(words, index):
    return lambda words, index: _look(words, index)


@compiled_as(publish)
def _emit_publish(words, index, value):
    return lambda words, index, value: _publish(words, index, value)


@compiled_as(exchange)
def _emit_exchange(words, index, expected, value):
    return lambda words, index, expected, value: _exchange(words, index, expected, value)


@compiled_as(pause)
def _emit_pause():
    return lambda: _pause()


if sys.platform == "win32":

    @compiled_as(give_way)
    @compiled_as(nap)
    def _emit_pause_only():
        return lambda: _pause()

else:
    _sched_yield = types.ExternalFunction("sched_yield", types.int32())
    _usleep = types.ExternalFunction("usleep", types.int32(types.uint32))

    @compiled_as(give_way)
    def _emit_give_way():
        def give_way():
            _sched_yield()

        return give_way

    @compiled_as(nap)
    def _emit_nap():
        def nap():
            _usleep(1000)

        return nap
