"""Turn any Python function into a real-time audio and video stream.

Over WebRTC, from a browser or any other peer::

    from fastrtc import Stream

    def flip(frame):
        return frame[::-1]

    stream = Stream(flip, modality="video", mode="send-receive")
    stream.mount(app)  # a FastAPI app

Names are loaded on first use (PEP 562), so that importing the package costs little. They are
listed in ``__init__.pyi``.
"""

import importlib


def _homes() -> dict[str, str]:
    """Return the module of each public name, as ``__init__.pyi`` imports it."""
    stub = __spec__.loader.get_data(f"{__path__[0]}/__init__.pyi").decode()
    homes = {}
    for line in stub.splitlines():
        if line.startswith("from "):
            module = line.split()[1]
        if " as " in line:
            homes[line.split(" as ")[1].rstrip(",")] = module
    return homes


_HOMES = _homes()

__all__ = sorted(name for name, module in _HOMES.items() if module != ".")


def __getattr__(name):
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if module == ".":  # ``fastrtc.tracks`` works after a plain ``import fastrtc``
        return importlib.import_module(f".{name}", __name__)
    value = getattr(importlib.import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_HOMES})
