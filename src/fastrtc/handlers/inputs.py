"""Values that the client or the program gives a handler beside the media."""

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

__all__ = ["PLACEHOLDER", "ExtraParameters", "FunctionInputs", "WebRTCData"]

PLACEHOLDER = "__webrtc_value__"
"""What stands at index 0 of ``latest_args``, where the value of the component would be."""


class WebRTCData(BaseModel):
    """What the page sent: the connection's id and, from the textbox, a text.

    Attributes:
        webrtc_id: The id of the connection.
        textbox: What the person typed; empty if they spoke.
        audio: What they said, as ``(sample_rate, samples)``, if there is any.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    webrtc_id: str
    textbox: str = ""
    audio: Any = None

    @classmethod
    def from_json(cls, x: dict[str, Any]) -> WebRTCData:
        """Make it of what Gradio got as JSON, as its own data models do.

        Raises:
            pydantic.ValidationError: If something is missing or of another type.
        """
        return cls.model_validate(x)

    def copy_to_dir(self, dir: str | Path) -> WebRTCData:
        """Copy the files that it refers to, each into a new directory below one, as Gradio does.

        Args:
            dir: The directory, which exists or whose parent does.

        Returns:
            A copy whose files are those.

        Raises:
            FileNotFoundError: If a file is not there.
        """
        into = Path(dir).resolve()
        into.mkdir(exist_ok=True)
        return self.model_copy(update={"audio": _copy_files(self.audio, into)})


def _copy_files(value: Any, into: Path) -> Any:
    """Copy the files in a value: dicts with a ``path``, as Gradio describes files."""
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
    """The parameters of a function beyond the media that it is given.

    Attributes:
        required: How many must be given.
        most: How many it takes; None if it takes any number.
        bare: Whether all that the function takes, media included, is ``*args``: as a decorator's
            wrapper has it, which says nothing about inputs.
    """

    required: int
    most: int | None
    bare: bool = False

    @property
    def wants_inputs(self) -> bool:
        """Whether it takes any, as far as its signature tells."""
        return self.most != 0 and not self.bare

    @classmethod
    def from_callable(cls, function: Callable[..., Any], media: int) -> ExtraParameters:
        """Look at a function whose first ``media`` parameters are the media."""
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
        """Choose the arguments among the values of ``set_input``.

        Programs written for FastRTC give a value for the media first, which it
        replaced; the documents' own example does not. So the first one is dropped
        when there is just one more than the function takes.

        Raises:
            ValueError: If the number does not fit.
        """
        most = len(values) if self.most is None else self.most
        if len(values) == most + 1:
            values = values[1:]
        if not self.required <= len(values) <= most:
            wanted = str(most) if self.required == most else f"{self.required} to {most}"
            raise ValueError(
                f"The handler takes {wanted} inputs beside the media, got {len(values)}"
            )
        return tuple(values)


class FunctionInputs:
    """The inputs of a function or generator on one connection.

    Args:
        function: Whose inputs they are.
        media: How many of its parameters are media.
    """

    def __init__(self, function: Callable[..., Any], media: int) -> None:
        self._parameters = ExtraParameters.from_callable(function, media)
        self._loop = asyncio.get_running_loop()
        self._set = asyncio.Event()
        self.args: tuple[Any, ...] = ()
        self.ready = self._parameters.required == 0

    def set(self, values: Sequence[Any]) -> None:
        """Take inputs; callable from any thread.

        Raises:
            ValueError: If the number does not fit the function.
        """
        self.args = self._parameters.bind(values)
        self.ready = True
        self._loop.call_soon_threadsafe(self._set.set)

    async def wait(self) -> tuple[Any, ...]:
        """Wait until there is what the function requires, and give it."""
        if not self.ready:
            await self._set.wait()
        return self.args
