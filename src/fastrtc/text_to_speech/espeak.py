"""espeak-ng: a voice of a machine, which needs no download and next to no time."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.models import MissingExtra, ModelError, import_extra
from .local import LocalTTS
from .protocol import TTSOptions

__all__ = ["EspeakTTSModel", "EspeakTTSOptions"]

logger = logging.getLogger(__name__)

WORDS_PER_MINUTE = 175
"""espeak-ng's own default; it takes 80 to 450."""

PROGRAMS = ("espeak-ng", "espeak")
TIMEOUT_S = 30.0
"""How long the program may take for a sentence: it takes some 20 ms."""


@dataclass
class EspeakTTSOptions(TTSOptions):
    """How espeak-ng says something.

    Attributes:
        voice: A language, such as ``"en-us"`` or ``"de"``, with a variant if wanted:
            ``"en-us+f3"``. ``espeak-ng --voices`` lists them.
        speed: 0.5 to 2.5; 1 is 175 words per minute.
        pitch: 0 to 99.
    """

    voice: str = "en-us"
    speed: float = 1.0
    pitch: int = 50


class EspeakTTSModel(LocalTTS[EspeakTTSOptions]):
    """Speaks with espeak-ng: in process by ``fastrtc[offline]`` if that loads, or by the program.

    It is understood rather than enjoyed. One may serve any number of connections and threads.

    Raises:
        MissingExtra: If there is neither.
        ModelError: If it cannot be loaded.
    """

    _options = EspeakTTSOptions

    def __init__(self) -> None:
        self._engine = _engine()
        self._rate = self._engine.rate

    def _say(self, piece: str, options: EspeakTTSOptions) -> Iterator[NDArray[np.int16]]:
        if not 0.5 <= options.speed <= 2.5:
            raise ValueError(f"The speed of espeak-ng is 0.5 to 2.5, not {options.speed}")
        if not 0 <= options.pitch <= 99:
            raise ValueError(f"The pitch of espeak-ng is 0 to 99, not {options.pitch}")
        speed = round(options.speed * WORDS_PER_MINUTE)
        samples = self._engine.say(piece.replace("\0", " "), options.voice, speed, options.pitch)
        if samples.size:
            yield samples


class _Engine(Protocol):
    rate: int

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int) -> NDArray[np.int16]:
        """Say a text."""


def _engine() -> _Engine:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if importlib.util.find_spec("espeakng_loader") is not None:
        try:
            return _Library.shared()
        except ModelError as error:
            if program is None:
                raise
            logger.warning("%s; the program %s speaks instead", error, program)
    if program is not None:
        return _Program(program)
    raise MissingExtra(
        'There is no espeak-ng: run `pip install "fastrtc[offline]"`, or install the '
        "program of that name"
    )


# From espeak-ng/speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_RATE, _PITCH = 1, 3
_CHARS_UTF8 = 1
_ENDPAUSE = 0x1000
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Library:
    """espeak-ng in this process. It has one state for all, so there is one of these."""

    _shared: _Library | None = None
    _loading = threading.Lock()

    @classmethod
    def shared(cls) -> _Library:
        with cls._loading:
            if cls._shared is None:
                cls._shared = cls()
            return cls._shared

    def __init__(self) -> None:
        loader = import_extra("espeakng_loader", "offline")
        try:
            library = ctypes.CDLL(loader.get_library_path())
            data = loader.get_data_path()
        except (OSError, RuntimeError) as error:
            raise ModelError(
                f"The espeak-ng of espeakng-loader cannot be loaded: {error}"
            ) from error
        self.rate: int = library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), _INITIALIZE_DONT_EXIT
        )
        if self.rate <= 0:
            raise ModelError(f"espeak-ng cannot be started with its data in {data}")
        self._library = library
        self._lock = threading.Lock()
        self._pieces: list[NDArray[np.int16]] = []
        self._callback = _CALLBACK(self._take)  # kept: the library holds but a pointer
        library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int) -> NDArray[np.int16]:
        data = text.encode("utf-8", "replace")
        with self._lock:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ValueError(f"espeak-ng has no voice {voice!r}")
            self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
            self._library.espeak_SetParameter(_PITCH, pitch, 0)
            self._pieces = [np.zeros(0, np.int16)]
            failed = self._library.espeak_Synth(
                data, len(data) + 1, 0, 1, 0, _CHARS_UTF8 | _ENDPAUSE, None, None
            )
            said = np.concatenate(self._pieces)
        if failed:
            raise ModelError(f"espeak-ng failed with its error {failed}")
        return said

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0  # go on


class _Program:
    """espeak-ng as a program, started for each piece."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.rate = 22_050
        self.say("Hello.", "en-us", WORDS_PER_MINUTE, 50)

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int) -> NDArray[np.int16]:
        arguments = ["--stdin", "--stdout", "-b", "1"]
        arguments += ["-v", voice, "-s", str(words_per_minute), "-p", str(pitch)]
        try:
            done = subprocess.run(
                [self._path, *arguments],
                input=text.encode("utf-8", "replace"),
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ModelError(f"{self._path} failed: {error}") from error
        if done.returncode != 0:
            complaint = done.stderr.decode(errors="replace").strip()
            if "voice" in complaint:
                raise ValueError(f"espeak-ng has no voice {voice!r}: {complaint}")
            raise ModelError(f"{self._path} failed: {complaint}")
        # WAV as it is written to a pipe: 44 bytes, with a length that nobody knew yet
        self.rate = int.from_bytes(done.stdout[24:28], "little") or self.rate
        return np.frombuffer(done.stdout[44 : len(done.stdout) & ~1], "<i2").astype(np.int16)
