"""Tiny ONNX files that are called like Moonshine's, and say what they are made to say."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["LAYERS", "write_moonshine"]

VOCABULARY = 32_768
START, END = 1, 2
LAYERS = {"tiny": (6, 36), "base": (8, 52)}
"""How many layers there are, and the size of a head."""


def write_moonshine(folder: Path, size: str, text: str) -> Path:
    """Write networks that say `text` when the audio is loud, and nothing when it is not."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(_encoder(), folder / "encoder_model.onnx")
    _save(_decoder(size, text), folder / "decoder_model_merged.onnx")
    return folder


def _encoder() -> onnx.ModelProto:
    node, value = helper.make_node, helper.make_tensor_value_info
    floats = TensorProto.FLOAT
    nodes = [
        node("Abs", ["input_values"], ["loud"]),
        node("ReduceMean", ["loud"], ["mean"], axes=[1], keepdims=1),
        node("Unsqueeze", ["mean", "last"], ["last_hidden_state"]),
    ]
    last = helper.make_tensor("last", TensorProto.INT64, [1], [2])
    inputs = [value("input_values", floats, [1, None])]
    outputs = [value("last_hidden_state", floats, [1, 1, 1])]
    return _model(helper.make_graph(nodes, "encoder", inputs, outputs, [last]))


def _decoder(size: str, text: str) -> onnx.ModelProto:
    import moonshine_onnx

    layers, head = LAYERS[size]
    tokens = moonshine_onnx.load_tokenizer().encode(text, add_special_tokens=False).ids
    assert len(set(tokens)) == len(tokens), "each token tells the next one"
    following = np.full(VOCABULARY, END, np.int64)
    for token, after in zip([START, *tokens], [*tokens, END], strict=True):
        following[token] = after
    past = [
        f"{layer}.{part}.{kind}"
        for layer in range(layers)
        for part in ("decoder", "encoder")
        for kind in ("key", "value")
    ]
    node, value = helper.make_node, helper.make_tensor_value_info
    nodes = [
        node("Gather", ["following", "input_ids"], ["next"]),
        node("ReduceMax", ["encoder_hidden_states"], ["loudness"], keepdims=0),
        node("Greater", ["loudness", "quiet"], ["is_loud"]),
        node("Where", ["is_loud", "next", "end"], ["chosen"]),
        node("OneHot", ["chosen", "depth", "zero_one"], ["logits"]),
        *(node("Identity", [f"past_key_values.{name}"], [f"present.{name}"]) for name in past),
    ]
    floats, shape = TensorProto.FLOAT, [None, 8, 1, head]
    inputs = [
        value("input_ids", TensorProto.INT64, [1, None]),
        value("encoder_hidden_states", floats, [1, None, 1]),
        value("use_cache_branch", TensorProto.BOOL, [1]),
        *(value(f"past_key_values.{name}", floats, shape) for name in past),
    ]
    outputs = [
        value("logits", floats, [1, None, VOCABULARY]),
        *(value(f"present.{name}", floats, shape) for name in past),
    ]
    constants = [
        numpy_helper.from_array(following, "following"),
        numpy_helper.from_array(np.float32(0.01), "quiet"),
        numpy_helper.from_array(np.int64(END), "end"),
        numpy_helper.from_array(np.int64(VOCABULARY), "depth"),
        numpy_helper.from_array(np.array([0, 1], np.float32), "zero_one"),
    ]
    return _model(helper.make_graph(nodes, "decoder", inputs, outputs, constants))


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)


def _save(model: onnx.ModelProto, path: Path) -> None:
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
