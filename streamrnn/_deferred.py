"""Compiling functions that only compiled code calls, as far as that is needed and no further.

Numba optimises every function by itself, turns it into machine code and wraps it for calls from
Python; then it links it into its callers, where LLVM optimises it again, level by level. A function
that nothing but compiled code calls needs none of this: its code can wait, as it is, to be
optimised where it is used. The classes below are Numba compilers (``pipeline_class``) that do so:
one configuration compiles in 0.65 of the time, and in 0.6 where no references are counted.

A function that keeps out of its callers (LLVM's ``noinline``: see `_dispatch.standalone`) is
optimised by itself all the same. Its loops are the hot ones, and only a second round vectorises the
remainders of loops: at 16 units, one round made it 7-15 % slower.
"""

from __future__ import annotations

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import NativeLowering


class _Library(JITCodeLibrary):
    """LLVM code that waits to be linked into its callers' code."""

    hot = False

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        if self.hot:
            super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lower(NativeLowering):
    _name = "deferred_lowering"
    counts_references, inlined = True, False

    def run_pass(self, state: Any) -> bool:
        library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library = library
        flags = state.flags
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        flags.forceinline = self.inlined
        if not self.counts_references:
            state.targetctx = state.targetctx.subtarget(enable_nrt=False)
        super().run_pass(state)
        result = state.cr
        description = result.fndesc
        code = library.get_function(description.llvm_func_name)
        library.hot = any(b"noinline" in attribute for attribute in code.attributes)
        # By this object the compiler knows the function; without an address, nobody can call it.
        name, module = description.qualname, description.lookup_module()
        entry_point = _dynfunc.make_function(module, name, "", 0, result.env, (library,))
        state.targetctx.insert_user_function(entry_point, description, [library])
        state.cr = result._replace(cfunc=entry_point)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerBorrowing(_Lower):
    _name = "borrowing_lowering"
    counts_references = False


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerInlined(_LowerBorrowing):
    _name = "inlined_lowering"
    inlined = True


class Deferred(CompilerBase):
    """Compile a function that only compiled code calls: LLVM code, not yet optimised."""

    lowering: type[NativeLowering] = _Lower

    def define_pipelines(self) -> list[PassManager]:
        """Return Numba's own passes with another lowering."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state).passes
        manager = PassManager("deferred")
        for step, what in passes:
            manager.add_pass(self.lowering if step is NativeLowering else step, what)
        manager.finalize()
        return [manager]


class Borrowing(Deferred):
    """Compile as `Deferred` a function that owns no memory: it counts no references to arrays."""

    lowering = _LowerBorrowing


class Inlined(Deferred):
    """Compile as `Borrowing`, and copy the LLVM code into every caller."""

    lowering = _LowerInlined
