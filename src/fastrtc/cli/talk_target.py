"""What ``fastrtc talk`` talks to: a stream of a module, or a server at a URL."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .arguments import InvalidArgument, server_url

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["find_target"]


def find_target(given: str) -> Stream | str:
    """Return the stream, or the URL of the server.

    Args:
        given: ``MODULE:NAME``, ``PATH.py:NAME``, ``PATH.py`` or a folder with ``app.py`` for its
            ``stream``; or a URL, such as ``http://127.0.0.1:7860`` or ``127.0.0.1:7860``.

    Raises:
        InvalidArgument: If there is no such module or stream, the module cannot be imported, or it
            is no URL.
    """
    module, _, name = given.rpartition(":")
    if "://" in given or (module and name.split("/")[0].isdecimal()):
        return server_url("TARGET", given)
    if not module:
        module, name = given, "stream"
    if not module.strip(":"):
        raise InvalidArgument(f"TARGET must be MODULE:STREAM, a file or a URL, not {given!r}")
    return _stream_of(_load(module), module, name)


def _stream_of(module: ModuleType, shown: str, name: str) -> Stream:
    from ..stream import Stream

    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            streams = [key for key, value in vars(module).items() if isinstance(value, Stream)]
            there = f"its streams are {', '.join(streams)}" if streams else "it has no Stream"
            raise InvalidArgument(f"{shown} has no {name!r}: {there}")
        found = getattr(found, part)
    if not isinstance(found, Stream):
        raise InvalidArgument(
            f"{name!r} of {shown} is a {type(found).__name__}, not a Stream: pass the name of the "
            "Stream, or start the program and pass its URL"
        )
    return found


def _load(module: str) -> ModuleType:
    """Import a module by its name or path."""
    path = Path(module)
    if path.is_dir() and (path / "app.py").is_file():
        path = path / "app.py"
    sys.path.insert(0, str(Path.cwd()))
    try:
        if path.suffix == ".py":
            return _load_file(path)
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.split(".")[0] == error.name.split(".")[0]:
            raise InvalidArgument(f"there is no module {module!r}, and it is no URL") from error
        raise InvalidArgument(f"{module} needs a module that is not installed: {error}") from error
    except InvalidArgument:
        raise
    except Exception as error:
        raise InvalidArgument(
            f"{module} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InvalidArgument(f"there is no file {path}")
    sys.path.insert(0, str(path.parent.resolve()))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
