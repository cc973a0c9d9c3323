"""A tiny ONNX file that is called like Kokoro's, and voices that are told apart by loudness."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["PER_TOKEN", "VOICES", "write_kokoro"]

PER_TOKEN = 600
"""Samples that it says for each token, at speed 1."""

VOICES = {"af_heart": 0.25, "bm_george": 0.5}
"""How loud each is."""


def write_kokoro(folder: Path) -> Path:
    """Write a network that says a sound as long as its text, and as loud as its voice."""
    folder.mkdir(parents=True, exist_ok=True)
    node, value = helper.make_node, helper.make_tensor_value_info
    floats, whole = TensorProto.FLOAT, TensorProto.INT64
    nodes = [
        node("Shape", ["tokens"], ["count"], start=1, end=2),
        node("Cast", ["count"], ["count_as_float"], to=floats),
        node("Mul", ["count_as_float", "per_token"], ["samples"]),
        node("Div", ["samples", "speed"], ["at_speed"]),
        node("Cast", ["at_speed"], ["length"], to=whole),
        node("ReduceMean", ["style"], ["loudness"], axes=[0, 1], keepdims=0),
        node("Expand", ["loudness", "length"], ["audio"]),
    ]
    inputs = [
        value("tokens", whole, [1, None]),
        value("style", floats, [1, 256]),
        value("speed", floats, [1]),
    ]
    outputs = [value("audio", floats, [None])]
    constants = [numpy_helper.from_array(np.float32(PER_TOKEN), "per_token")]
    graph = helper.make_graph(nodes, "kokoro", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "kokoro-v1.0.onnx"))
    voices = {
        name: np.full((510, 1, 256), loudness, np.float32) for name, loudness in VOICES.items()
    }
    with (folder / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, **voices)
    return folder
