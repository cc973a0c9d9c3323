"""ONNX files run on the thread that calls them."""

from pathlib import Path

import onnxruntime
import pytest

from fastrtc.hub.onnx import open_session
from tests.end_of_turn.networks import write_network


def test_a_session_has_one_thread(tmp_path: Path):
    session = open_session(onnxruntime, write_network(tmp_path / "tiny.onnx"))
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_a_file_that_cannot_be_loaded_raises(tmp_path: Path):
    with pytest.raises(Exception, match="none.onnx"):
        open_session(onnxruntime, tmp_path / "none.onnx")
