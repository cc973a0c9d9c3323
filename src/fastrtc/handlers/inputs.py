"""Inputs of a handler other than media, set by the client or the program."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["PLACEHOLDER", "ExtraParameters", "FunctionInputs", "WebRTCData", "max_inputs"]

PLACEHOLDER = "__webrtc_value__"
"""The item at index 0 of ``latest_args``, in place of the value of the component."""


class WebRTCData(BaseModel):
    """The value of the component: the connection's id and, with a textbox, the text.

    Attributes:
        webrtc_id: The id of the connection.
        textbox: The text that the user typed; empty if the user spoke.
        audio: The user's speech as ``(sample_rate, samples)``, if any.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    webrtc_id: str
    textbox: str = ""
    audio: Any = None

    @classmethod
    def from_json(cls, x: dict[str, Any]) -> WebRTCData:
        """Create an instance from the JSON value of Gradio, like Gradio's own data models.

        Raises:
            pydantic.ValidationError: If a field is missing or has the wrong type.
        """
        return cls.model_validate(x)

    def copy_to_dir(self, dir: str | Path) -> WebRTCData:
        """Copy the referenced files to new subdirectories of *dir*, like Gradio's data models.

        Args:
            dir: The directory; it is created if its parent exists.

        Returns:
            A copy that references the new files.

        Raises:
            FileNotFoundError: If a file does not exist.
        """
        into = Path(dir).resolve()
        into.mkdir(exist_ok=True)
        return self.model_copy(update={"audio": _copy_files(self.audio, into)})


def _copy_files(value: Any, into: Path) -> Any:
    """Copy the files in a value: dicts with a ``path``, Gradio's representation of files."""
    if isinstance(value, dict):
        path = value.get("path")
        if not isinstance(path, str):
            return {key: _copy_files(one, into) for key, one in value.items()}
        source = Path(path)
        digest = hashlib.sha256(source.read_bytes()).hexdigest()[:20]
        target = into / digest / source.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
        return {**value, "path": str(target)}
    if isinstance(value, list | tuple):
        return type(value)(_copy_files(one, into) for one in value)
    return value


@dataclass(frozen=True)
class ExtraParameters:
    """The parameters of a function other than its media.

    Attributes:
        required: How many are required.
        max_count: How many are accepted; None for any number.
        bare: Whether the only parameter, media included, is ``*args``, as in the wrapper of a
            decorator; it does not tell whether there are inputs.
    """

    required: int
    max_count: int | None
    bare: bool = False

    @property
    def wants_inputs(self) -> bool:
        """Whether the function accepts inputs, according to its signature."""
        return self.max_count != 0 and not self.bare

    @classmethod
    def from_callable(cls, function: Callable[..., Any], media: int) -> ExtraParameters:
        """Inspect a function whose first ``media`` parameters are media."""
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # some builtins have no signature
            return cls(0, 0)
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        positional = [p for p in parameters if p.kind in by_position]
        required = sum(p.default is p.empty for p in positional)
        any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        return cls(
            max(0, required - media),
            None if any_number else max(0, len(positional) - media),
            bare=any_number and len(parameters) == 1,
        )

    def bind(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the arguments for the values of ``set_input``.

        Programs written for FastRTC pass a value for the media first, which was replaced by the
        media; the example in its documentation does not. So the first value is dropped if there is
        exactly one more than the function accepts.

        Raises:
            ValueError: If the number of values does not fit.
        """
        limit = len(values) if self.max_count is None else self.max_count
        if len(values) == limit + 1:
            values = values[1:]
        if not self.required <= len(values) <= limit:
            wanted = str(limit) if self.required == limit else f"{self.required} to {limit}"
            raise ValueError(
                f"The handler takes {wanted} inputs besides the media, got {len(values)}"
            )
        return tuple(values)


class FunctionInputs:
    """The inputs of a function or generator on one connection.

    Args:
        function: The function.
        media: How many of its parameters are media.
    """

    def __init__(self, function: Callable[..., Any], media: int) -> None:
        self._parameters = ExtraParameters.from_callable(function, media)
        self._loop = asyncio.get_running_loop()
        self._set = asyncio.Event()
        self.args: tuple[Any, ...] = ()
        self.ready = self._parameters.required == 0

    def set(self, values: Sequence[Any]) -> None:
        """Set the inputs; thread-safe.

        Raises:
            ValueError: If the number of values does not fit the function.
        """
        self.args = self._parameters.bind(values)
        self.ready = True
        self._loop.call_soon_threadsafe(self._set.set)

    async def wait(self) -> tuple[Any, ...]:
        """Wait until the required inputs are set, and return them."""
        if not self.ready:
            await self._set.wait()
        return self.args


def max_inputs(handler: Any) -> int | None:
    """Return the maximum number of inputs of a handler's functions; None if it is unlimited."""
    reply, startup = getattr(handler, "fn", None), getattr(handler, "startup_fn", None)
    if reply is None:
        return 0
    count = ExtraParameters.from_callable(reply, media=1).max_count
    if count == 0 and startup is not None:
        return ExtraParameters.from_callable(startup, media=0).max_count
    return count
