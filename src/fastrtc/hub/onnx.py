"""Load ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["open_session"]


def open_session(onnxruntime: Any, path: str | Path) -> Any:
    """Create a single-threaded session on the CPU: our models are small, and sessions many.

    Args:
        onnxruntime: The module.
        path: The path of an ONNX file.

    Raises:
        Exception: If the file cannot be loaded; exceptions of ONNX Runtime have no common base
            class.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: it warns about unused initializers
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
