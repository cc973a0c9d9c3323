"""Kokoro cannot be installed on each Python that this package supports."""

import importlib.util

KOKORO = importlib.util.find_spec("kokoro_onnx") is not None

collect_ignore = [] if KOKORO else ["test_kokoro.py"]
