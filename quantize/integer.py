"""Which operations of a quantised model still run in float, asked of the engines themselves.

A model can be full of INT8 weights and yet compute in float, where an engine found no
integer kernel. Nothing up to and with the last convolution may; behind it a few may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino
from ai_edge_litert.interpreter import Interpreter, OpResolverType

_FLOATS = ("f16", "bf16", "f32", "f64")


@dataclass(frozen=True)
class FloatOps:
    """Operations on the way from frame to frame.

    Attributes:
        total: how many there are.
        before: types of those in float up to and with the last convolution.
        after: types of those in float behind it.
    """

    total: int
    before: tuple[str, ...]
    after: tuple[str, ...]

    def __str__(self) -> str:
        if not self.before and not self.after:
            return f"all {self.total} operations in integers"
        before, after = ", ".join(self.before) or "none", ", ".join(self.after) or "none"
        return f"of {self.total} operations in float before the last convolution: {before}; " + (
            f"after it: {after}"
        )


def float_ops_tflite(model: bytes) -> FloatOps:
    """Read the operations and tensor types of a TFLite model."""
    interpreter = Interpreter(
        model_content=model,
        # With the XNNPACK delegate all that could be seen is one operation: "DELEGATE".
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    kinds = {t["index"]: t["dtype"] for t in interpreter.get_tensor_details()}
    operations = [
        (op["op_name"], any(_is_float(kinds.get(i)) for i in (*op["inputs"], *op["outputs"])))
        for op in interpreter._get_ops_details()
    ]
    return _split(operations, "CONV_2D")


def float_ops_openvino(model: openvino.Model) -> FloatOps:
    """Compile for this CPU and read the precision that each operation really runs in."""
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    operations = []
    fed: set[str] = set()
    for node in compiled.get_runtime_model().get_ordered_ops():
        kind = str(node.get_rt_info()["layerType"].value)
        inputs = {port.get_node().get_friendly_name() for port in node.input_values()}
        # What only constants feed is computed once, when the model is compiled.
        if kind != "Input" and not inputs & fed:
            continue
        fed.add(node.get_friendly_name())
        precision = str(node.get_rt_info()["runtimePrecision"].value)
        operations.append((kind, precision in _FLOATS))
    return _split(operations, "Convolution")


def _split(operations: list[tuple[str, bool]], convolution: str) -> FloatOps:
    last = max(i for i, (kind, _) in enumerate(operations) if kind == convolution)
    before = [kind for kind, is_float in operations[: last + 1] if is_float]
    after = [kind for kind, is_float in operations[last + 1 :] if is_float]
    return FloatOps(len(operations), tuple(before), tuple(after))


def _is_float(kind: Any) -> bool:
    return kind is not None and np.issubdtype(kind, np.floating)
