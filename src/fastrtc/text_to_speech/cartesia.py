"""Cartesia: a text-to-speech service that requires an API key."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.models import ModelError, import_extra
from ..core.speech import Speech
from .bridge import iterate
from .protocol import TTSModel, TTSOptions, check_text

__all__ = ["CartesiaTTSModel", "CartesiaTTSOptions"]

VARIABLE = "CARTESIA_API_KEY"


@dataclass
class CartesiaTTSOptions(TTSOptions):
    """Options of Cartesia.

    Attributes:
        voice: Id of a voice.
        language: Language of the text.
        emotion: Emotions of the voice. Up to ``sonic-2``, there may be several, with a strength,
            such as ``"positivity:high"``; from ``sonic-3`` on, only the first is used:
            ``"excited"``.
        cartesia_version: Version of the API.
        model: Id of a model.
        sample_rate: In Hz: 8000, 16000, 22050, 24000, 44100 or 48000.
    """

    voice: str = "71a7ad14-091c-4e8e-a314-022ece01c121"
    language: str = "en"
    emotion: list[str] = field(default_factory=list)
    cartesia_version: str = "2024-06-10"
    model: str = "sonic-2"
    sample_rate: int = 22050


class CartesiaTTSModel(TTSModel[CartesiaTTSOptions]):
    """Synthesizes speech with Cartesia; needs ``fastrtc[cartesia]``.

    Args:
        api_key: The API key; by default that of the environment variable ``CARTESIA_API_KEY``.
        base_url: URL of the service, if not the default.

    Raises:
        MissingExtra: If the ``cartesia`` package is not installed.
        ValueError: If there is no API key.
    """

    def __init__(self, api_key: str | None = None, *, base_url: str | None = None) -> None:
        self._cartesia = import_extra("cartesia", "cartesia")
        self._api_key = api_key or os.environ.get(VARIABLE)
        if not self._api_key:
            raise ValueError(
                f"Cartesia needs an API key: pass cartesia_api_key=, or set {VARIABLE}"
            )
        self._base_url = base_url

    def warmup(self) -> None:
        """Create a client, which imports most of the package; no request is sent."""
        _ = self._cartesia.AsyncCartesia(api_key=self._api_key, base_url=self._base_url).tts

    def tts(self, text: str, options: CartesiaTTSOptions | None = None) -> Speech:
        """Synthesize text.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Returns:
            A sample rate in Hz, and samples of shape ``(n,)``, with the text.

        Raises:
            TypeError: If the text is not a string, or the options belong to another model.
            ModelError: If the service rejects the request or fails.
        """
        options = _checked(options)
        pieces = [samples for _, samples in self.stream_tts_sync(text, options)]
        samples = np.concatenate([np.zeros(0, np.int16), *pieces])
        return Speech(options.sample_rate, samples, text)

    async def stream_tts(
        self, text: str, options: CartesiaTTSOptions | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Synthesize text, piece by piece as the service sends them.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Yields:
            The pieces, each as returned by ``tts``; the first has the text, the others have ``""``.

        Raises:
            TypeError: If the text is not a string, or the options belong to another model.
            ModelError: If the service rejects the request or fails.
        """
        options = _checked(options)
        if not check_text(text).strip():
            return
        rest = b""  # half a sample
        try:
            async with self._cartesia.AsyncCartesia(
                api_key=self._api_key, base_url=self._base_url
            ) as client:
                events = await client.tts.generate_sse(transcript=text, **_request(options))
                async for event in events:
                    if event.type == "error":
                        raise ModelError(f"Cartesia failed: {event.error}")
                    if event.type != "chunk" or not event.audio:
                        continue
                    data = rest + event.audio
                    whole = len(data) & ~1
                    rest = data[whole:]
                    samples = np.frombuffer(data[:whole], "<i2").astype(np.int16)
                    yield Speech(options.sample_rate, samples, text)
                    text = ""  # of the pieces that follow
        except self._cartesia.CartesiaError as error:
            raise ModelError(f"Cartesia failed: {error}") from error

    def stream_tts_sync(
        self, text: str, options: CartesiaTTSOptions | None = None
    ) -> Generator[Speech, None, None]:
        """Synthesize text, piece by piece as the service sends them, in sync code.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Returns:
            The pieces, each as returned by ``tts``; the first has the text, the others have ``""``.

        Raises:
            TypeError: If the text is not a string, or the options belong to another model.
            ModelError: If the service rejects the request or fails.
        """
        text, options = check_text(text), _checked(options)
        return iterate(lambda: self.stream_tts(text, options))


def _checked(options: CartesiaTTSOptions | None) -> CartesiaTTSOptions:
    if options is None:
        return CartesiaTTSOptions()
    if not isinstance(options, CartesiaTTSOptions):
        raise TypeError(f"The options must be CartesiaTTSOptions, not {options!r}")
    return options


def _request(options: CartesiaTTSOptions) -> dict[str, Any]:
    """Return the request for the options; emotions differ between model generations."""
    voice: dict[str, Any] = {"mode": "id", "id": options.voice}
    request: dict[str, Any] = {}
    if options.emotion and _takes_controls(options.model):
        voice["__experimental_controls"] = {"emotion": options.emotion}
    elif options.emotion:
        request["generation_config"] = {"emotion": options.emotion[0]}
    return request | {
        "model_id": options.model,
        "voice": voice,
        "language": options.language,
        "output_format": {
            "container": "raw",
            "encoding": "pcm_s16le",
            "sample_rate": options.sample_rate,
        },
        "extra_headers": {"Cartesia-Version": options.cartesia_version},
    }


def _takes_controls(model: str) -> bool:
    """Return whether a model is of generation 1 or 2, such as ``sonic-english``, ``sonic-2``."""
    generation = model.removeprefix("sonic").removeprefix("-")[:1]
    return not generation.isdigit() or int(generation) < 3
