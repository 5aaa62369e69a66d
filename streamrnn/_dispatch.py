"""How functions are compiled, chosen by type and cached; the only file that names Numba options.

A plug-in (cell, head, loss, optimizer, gradient algorithm) is a small ``NamedTuple`` class.
Compiled code chooses an implementation by that *type*, at compile time: `by_type` makes the generic
function and ``generic.register(Type)`` adds an implementation. Types are importable names, so
Numba's on-disk cache finds the compiled code again in a new process; functions held in closures or
passed as arguments would carry a fresh identity every time and never hit.
"""

from __future__ import annotations

import gc
import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from llvmlite import ir
from numba import njit, typeof, types
from numba.core.cpu import CPUContext
from numba.extending import intrinsic, overload, register_jitable

from streamrnn._cache import keep_code, warn_not_kept

Function = TypeVar("Function", bound=Callable[..., Any])

#: Every function that `by_type` has made.
_GENERICS: list[Generic] = []

#: Reductions vectorise only if sums may be re-associated. ``nnan`` and ``ninf`` stay off: they
#: would let LLVM drop the finite-checks that protect the weights.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
_OPTIONS: dict[str, Any] = {"fastmath": FASTMATH, "error_model": "numpy", "nogil": True}

# For functions that only compiled code calls. All have the same options: Numba compiles an overload
# anew for every set of options that it is called under.
_PLUGIN = _KERNEL = _GLUE = _OPTIONS
try:
    from streamrnn import _deferred
except (ImportError, AttributeError):  # another Numba: then compiling just takes longer
    pass
else:
    _PLUGIN = {**_OPTIONS, "pipeline_class": _deferred.Deferred}
    _KERNEL = {**_OPTIONS, "pipeline_class": _deferred.Borrowing}
    _GLUE = {**_OPTIONS, "pipeline_class": _deferred.Inlined}


def kernel(function: Function) -> Function:
    """Let compiled code call an inner loop; called from Python, `function` is plain Python.

    The compiled code counts no references: it may neither make arrays nor return its arguments. It
    is never cached by itself: its caller's cache holds it.
    """
    return cast(Function, register_jitable(**_KERNEL)(function))


def glue(function: Function) -> Function:
    """Do as `kernel`, but copy the compiled code into its callers. For code around the loops."""
    return cast(Function, register_jitable(**_GLUE)(function))


def view(function: Function) -> Function:
    """Do as `glue` for a function that returns an array: a borrowed view of an argument.

    Copied into its callers before they are typed, since on a device no function may return one.
    """
    options = cast(Any, {**_OPTIONS, "inline": "always"})
    overload(function, jit_options=options, inline="always", strict=False)(lambda *_: function)
    return function


def compiled_as(function: Callable[..., Any]) -> Callable[[Function], Function]:
    """Return a decorator: what it decorates chooses the compiled form of `function` by types.

    As ``numba.extending.overload``; the code is copied into the callers.
    """
    return cast(Any, overload(function, jit_options=cast(Any, _GLUE)))


@contextmanager
def _garbage_waits() -> Iterator[None]:
    """Let no garbage be looked for: a compiler makes a million objects, and keeps most of them.

    A tenth of the time to compile a model, for some 60 MB more until it is done.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def entry(
    factory: Callable[..., Function], *closure: Any, arguments: Any = None, keep: bool = True
) -> Function:
    """Compile ``factory(*closure)``, a function called from Python, and keep it on disk.

    Numba's cache key covers the function's own file and the values in its closure, not the files
    it imports. The factory must therefore close over a digest of those (see `source_digest`) as
    well as over whatever else chooses code. Where no folder can be written and none has the code,
    it is compiled in every process, with a warning.

    It is compiled, or found, at once for the types of `arguments`, if any are given.

    The function is named after its closure, and so are its files. In a file that several versions
    shared, two processes compiling at once could write one version under the other's key.
    """
    function = _named_after(factory(*closure), closure)
    compiled = njit(**_OPTIONS)(function)
    if keep and compiled is not function:  # it is itself under NUMBA_DISABLE_JIT
        try:
            keep_code(compiled)
        except RuntimeError as error:
            warn_not_kept(error)
    if arguments is not None and compiled is not function:
        with _garbage_waits():
            compiled.compile(tuple(map(typeof, arguments)))
    return cast(Function, compiled)


def device_entry(factory: Callable[..., Function], *closure: Any, most_registers: int) -> Any:
    """Compile ``factory(*closure)``, a kernel of a CUDA device, when it is launched, and keep it.

    What is said of `entry` holds here, too. The code of a plug-in's functions is that of the
    processor, with one difference: in single precision, divisions and exponentials are the
    device's fast ones, off by two units in the last place.
    """
    from numba import config, cuda

    function = _named_after(factory(*closure), closure)
    if config.ENABLE_CUDASIM:  # nothing is compiled, and there are no registers
        return cuda.jit(function)
    try:
        return cuda.jit(function, cache=True, max_registers=most_registers)
    except RuntimeError as error:
        warn_not_kept(error)
        return cuda.jit(function, max_registers=most_registers)


def _named_after(function: Function, closure: tuple[Any, ...]) -> Function:
    """Give a function, and so its files, the name of what it closes over."""
    version = hashlib.sha256(repr(closure).encode()).hexdigest()[:16]
    function.__qualname__ = f"{function.__name__}_{version}"
    return function


def standalone() -> None:
    """Keep a kernel out of its callers, and promise that its arrays do not overlap.

    Loops with many pointers vectorise only if the compiler knows that they do not overlap; inlined
    into a larger function it knows nothing. A kernel of its own is also optimised once, not again
    in every caller, and gives the same bits wherever it is called from.
    """


def _mark(typing_context):
    def generate(context, builder, signature, args):
        if not isinstance(context, CPUContext):  # a device's compiler knows better
            return context.get_dummy_value()
        builder.function.attributes.add("noinline")
        for argument in context.call_conv.get_arguments(builder.function):
            if isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), generate


_mark_standalone: Any = intrinsic(_mark)


# Inlined, since the intrinsic marks the function that it stands in.
@overload(standalone, inline="always")
def _():
    return lambda: _mark_standalone()


@cache
def _package_digest() -> str:
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0] in ("estimators", "travel"):  # no compiled code in there
            continue
        digest.update(str(name).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def source_digest(plugins: tuple[type, ...] = ()) -> str:
    """Hash the sources that compiled code can come from: this package and the plug-ins' own files.

    Part of the cache key of every `entry`, so that an edit or an upgrade is never answered with
    code compiled from the old sources. Of foreign plug-ins, the files of the class and of its
    implementations count, not those that they import in turn.
    """
    digest = hashlib.sha256(_package_digest().encode())
    for path in sorted({path for plugin in plugins for path in _files(plugin)}):
        if not path.is_relative_to(Path(__file__).parent) and path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(plugin: type) -> Iterator[Path]:
    """Yield the files of a plug-in's class and of its implementations."""
    module = sys.modules.get(plugin.__module__)
    if getattr(module, "__file__", None):
        yield Path(str(module.__file__))  # type: ignore[union-attr]
    for generic in _GENERICS:
        if plugin in generic.registry:
            yield Path(generic.registry[plugin].__code__.co_filename)


class Generic(Protocol):
    """A function of several implementations, chosen by the type of its first argument."""

    __name__: str
    registry: dict[type, Any]

    def __call__(self, spec: Any, *args: Any) -> Any:
        """Call the implementation registered for ``type(spec)``."""

    def register(self, spec_type: type) -> Callable[[Function], Function]:
        """Return a decorator that adds the implementation for `spec_type`."""


def glue_by_type(contract: Callable[..., Any]) -> Generic:
    """Do as `by_type`, but copy the code into its callers, as `glue` does."""
    return _by_type(contract, _GLUE)


def by_type(contract: Callable[..., Any]) -> Generic:
    """Turn a documented stub into a function chosen by the type of its first argument.

    The stub's body is never run; its signature and docstring are the contract. Called from
    compiled code the choice is made by the compiler; called from plain Python (as under
    ``NUMBA_DISABLE_JIT=1``) it is a dictionary look-up. What is registered for ``object`` serves
    all types that have nothing of their own.
    """
    return _by_type(contract, _PLUGIN)


def _by_type(contract: Callable[..., Any], options: dict[str, Any]) -> Generic:
    registry: dict[type, Any] = {}

    def generic(spec: Any, *args: Any) -> Any:
        return (registry.get(type(spec)) or registry[object])(spec, *args)

    def choose(spec: Any, *args: Any) -> Callable[..., Any] | None:
        return registry.get(getattr(spec, "instance_class", type(None))) or registry.get(object)

    def register(spec_type: type) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            # One name for each, since names become symbols of compiled code.
            function.__name__ = f"{contract.__name__}_{spec_type.__name__}"
            function.__qualname__ = function.__name__
            registry[spec_type] = function
            return function

        return add

    # Not strict: the implementations spell out the arguments that `choose` takes as *args.
    overload(generic, strict=False, jit_options=cast(Any, options))(choose)
    named = cast(Any, generic)
    named.__name__ = contract.__name__
    named.__doc__ = contract.__doc__
    named.registry = registry
    named.register = register
    _GENERICS.append(named)
    return cast(Generic, named)


def is_float32(numba_type: Any) -> bool:
    """Say whether a Numba type seen by an ``overload`` is single precision."""
    return bool(numba_type == types.float32)
