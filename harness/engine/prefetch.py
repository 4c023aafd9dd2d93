"""Asking for memory before it is needed, in compiled loops. It changes no number."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

AHEAD = 16
"""How many rows ahead memory is asked for: far enough that it has come, near enough that it is still in the cache."""


def _emit_prefetch(typing: Any, array: Any, row: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(array)(context, builder, args[0])
        stride = cgutils.unpack_tuple(builder, view.strides)[0]  # type: ignore[no-untyped-call]
        at = builder.mul(builder.sext(args[1], stride.type) if row.bitwidth < 64 else args[1], stride)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        start = builder.gep(builder.bitcast(view.data, byte), [at])
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        for line in range(0, 256 if array.ndim > 1 else 64, 64):
            with builder.if_then(builder.icmp_signed("<", ir.Constant(stride.type, line), stride)):
                address = builder.gep(start, [ir.Constant(stride.type, line)])
                builder.call(hint, [address, *(ir.Constant(number, v) for v in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, row), codegen


prefetch: Any = intrinsic(_emit_prefetch)
"""Ask for array[row], its first 256 bytes, without waiting: the rows of a batch lie anywhere in memory."""
