"""Tiny ONNX files that are called like the generations of Silero VAD."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

__all__ = ["FAULTS", "GENERATIONS", "STEP", "write_network"]

STEP = 0.0001
"""By how much the probability grows for each window before, in the state that was passed on."""

GENERATIONS = {
    "v5 or v6": (("state",), (2, None, 128), True),
    "v4": (("h", "c"), (2, None, 64), True),
    "v6 sequence": (("h", "c"), (1, 1, 32), False),  # its states are as large as the file says
}
FAULTS = ("raises", "not a number", "more than one")


def write_network(path: Path, generation: str, fault: str | None = None) -> Path:
    """Write a network whose probability is the mean loudness, plus `STEP` x windows so far."""
    states, shape, takes_rate = GENERATIONS[generation]
    node, value = helper.make_node, helper.make_tensor_value_info
    floats = TensorProto.FLOAT
    nodes = [
        node("Shape", ["input"], ["rows"], start=0, end=1),
        node("Cast", ["rows"], ["count"], to=floats),
        node("Abs", ["input"], ["loud"]),
        node("ReduceMean", ["loud"], ["mean"], axes=[1], keepdims=1),
        node("ReduceMax", [states[0]], ["so_far"], keepdims=0),
        node("Mul", ["so_far", "step"], ["more"]),
        node("Add", ["mean", "more"], ["sum"]),
        *{
            None: [node("Identity", ["sum"], ["output"])],
            "raises": [node("Reshape", ["sum", "impossible"], ["output"])],
            "not a number": [
                node("Sub", ["sum", "sum"], ["zero"]),
                node("Div", ["zero", "zero"], ["output"]),
            ],
            "more than one": [
                node("Add", ["sum", "count"], ["sum_and_one"]),
                node("Add", ["sum_and_one", "count"], ["output"]),
            ],
        }[fault],
        *(node("Add", [name, "count"], [name + "N"]) for name in states),
    ]
    inputs = [value("input", floats, [None, None])]
    inputs += [value(name, floats, shape) for name in states]
    inputs += [value("sr", TensorProto.INT64, [])] if takes_rate else []
    outputs = [value("output", floats, [None, 1])]
    outputs += [value(name + "N", floats, shape) for name in states]
    constants = [
        helper.make_tensor("step", floats, [], [STEP]),
        helper.make_tensor("impossible", TensorProto.INT64, [1], [7]),
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
