"""Registry of models: found by name, created once, shared; and their errors.

::

    FastRTCError
      ModelError (RuntimeError)        a model cannot be loaded, or failed
        MissingExtra (ImportError)     a package that it needs is not installed
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

import numpy as np

from .errors import FastRTCError

__all__ = [
    "MissingExtra",
    "ModelError",
    "ModelRegistry",
    "import_extra",
    "require_installed",
    "warm_up_librosa",
]

logger = logging.getLogger(__name__)


class ModelError(FastRTCError, RuntimeError):
    """A model cannot be loaded, or failed."""


class MissingExtra(ModelError, ImportError):
    """A package that a model needs is not installed; the message has the install command."""


def import_extra(module: str, extra: str) -> ModuleType:
    """Import a module of one of the extras of fastrtc.

    Raises:
        MissingExtra: If the module, or one that it needs, is not installed.
    """
    install = f'run `pip install "fastrtc[{extra}]"`'
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            raise MissingExtra(f"{module} is not installed: {install}") from None
        raise MissingExtra(f"{module} cannot be imported ({error}): {install}") from error
    except ImportError as error:
        raise MissingExtra(f"{module} cannot be imported ({error}): {install}") from error


def require_installed(who: str, modules: Sequence[str], extra: str) -> None:
    """Check that modules are installed, without importing them.

    Raises:
        MissingExtra: If a module is not installed; the message names all that are missing.
    """
    missing = [module for module in modules if not _is_installed(module)]
    if missing:
        raise MissingExtra(
            f'{who} needs {" and ".join(missing)}: run `pip install "fastrtc[{extra}]"`'
        ) from None


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # imported, but without a spec
        return True


def warm_up_librosa(*, load: bool = False) -> None:
    """Call ``librosa.resample`` once, if the program has imported librosa.

    Programs use it to resample audio, and the first call in a process takes seconds, as it imports
    most of librosa, numba and scipy. This package does not need it, so a broken librosa is only
    logged.

    Args:
        load: Whether to import librosa if it is installed but not imported yet.
    """
    if not load and "librosa" not in sys.modules:
        return
    started = time.monotonic()
    try:
        librosa: Any = importlib.import_module("librosa")
        librosa.resample(np.zeros(480, np.float32), orig_sr=48_000, target_sr=16_000)
    except Exception:  # a package of that size may raise anything
        logger.debug("librosa cannot be warmed up", exc_info=True)
    else:
        logger.debug("librosa.resample is ready after %.1f s", time.monotonic() - started)


class ModelRegistry:
    """The models of one kind, by name; created once for the same arguments.

    Packages register names with entry points, whose value creates the model, such as a class. A
    model with a ``warmup`` method is run once before it is first returned.

    Args:
        kind: The kind of model, for messages.
        group: The entry point group.
        own: Factories of the models of this package, by name.
    """

    def __init__(self, kind: str, group: str, own: Mapping[str, Callable[..., Any]]) -> None:
        self._kind = kind
        self._group = group
        self._own = own
        self._lock = threading.Lock()
        self._models: dict[Any, Future[Any]] = {}

    def get(self, name: str, **arguments: Any) -> Any:
        """Return the model of a name, created earlier with the same arguments or now.

        Concurrent callers wait for a model that is being created; callers of other models do not.

        Raises:
            ValueError: If the name is unknown.
            ModelError: If the model cannot be loaded. The next call tries again.
        """
        key = (name, _hashable(arguments))
        with self._lock:
            future = self._models.get(key)
            mine = future is None
            if future is None:
                future = self._models[key] = Future()
        if mine:
            try:
                model = self._make(name, arguments)
            except BaseException as error:
                with self._lock:
                    self._models.pop(key, None)
                future.set_exception(error)
                raise
            future.set_result(model)
        return future.result()

    def clear(self) -> None:
        """Forget the created models."""
        with self._lock:
            self._models.clear()

    def names(self) -> list[str]:
        """The known names."""
        return sorted({*self._own, *(entry.name for entry in entry_points(group=self._group))})

    def _make(self, name: str, arguments: dict[str, Any]) -> Any:
        started = time.monotonic()
        model = self._factory(name)(**arguments)
        if hasattr(model, "warmup"):
            model.warmup()
        warm_up_librosa()
        logger.info("%s is ready after %.1f s", name, time.monotonic() - started)
        return model

    def _factory(self, name: str) -> Callable[..., Any]:
        if name in self._own:
            return self._own[name]
        for entry in entry_points(group=self._group, name=name):
            loaded: Callable[..., Any] = entry.load()
            return loaded
        raise ValueError(
            f"There is no {self._kind} model {name!r}; there are {', '.join(self.names())}"
        )


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    return value
