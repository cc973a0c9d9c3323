"""What all voices of this machine share: pieces, options, and threads of its own."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from fastrtc.text_to_speech.local import MAX_PIECE, LocalTTS
from fastrtc.text_to_speech.protocol import TTSOptions


@dataclass
class Options(TTSOptions):
    level: float = 1.0


class Voice(LocalTTS[Options]):
    """Says as many samples as a piece has letters."""

    _options = Options
    _rate = 8000

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def _say(self, piece: str, options: Options) -> Iterator[np.ndarray]:
        self.said.append((piece, threading.current_thread().name))
        if piece != "Nothing.":
            yield np.full(len(piece), options.level, np.float32)


TEXT = "One. Two is longer. Three!"
PIECES = ["One.", "Two is longer.", "Three!"]


def test_all_at_once_is_what_the_pieces_are() -> None:
    rate, samples = Voice().tts(TEXT, Options(0.5))
    assert rate == 8000
    np.testing.assert_array_equal(samples, np.full(sum(map(len, PIECES)), 0.5, np.float32))


def test_a_piece_is_said_when_it_is_asked_for() -> None:
    voice = Voice()
    stream = voice.stream_tts_sync(TEXT)
    assert voice.said == []
    assert [len(next(stream)[1]), len(voice.said)] == [4, 1]
    assert [len(samples) for _, samples in stream] == [14, 6]


async def test_on_an_event_loop_it_is_said_in_other_threads() -> None:
    voice = Voice()
    pieces = [samples async for _, samples in voice.stream_tts(TEXT)]
    assert [len(piece) for piece in pieces] == [4, 14, 6]
    assert [piece for piece, _ in voice.said] == PIECES
    assert threading.current_thread().name not in {name for _, name in voice.said}


def test_a_long_sentence_is_said_in_pieces() -> None:
    voice = Voice()
    voice.tts("so it goes, on and on, " * 30)
    assert len(voice.said) > 1
    assert max(len(piece) for piece, _ in voice.said) <= MAX_PIECE


@pytest.mark.parametrize("text", ["", " \n", "Nothing."])
def test_where_nothing_is_to_be_said_there_is_silence_of_no_length(text: str) -> None:
    rate, samples = Voice().tts(text)
    assert (rate, samples.shape, samples.dtype) == (8000, (0,), np.float32)


def test_mistakes_are_told_before_anything_is_said() -> None:
    voice = Voice()
    with pytest.raises(TypeError, match="The options must be Options, not 5"):
        voice.stream_tts_sync("Hello.", 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a string, not NoneType"):
        voice.stream_tts_sync(None)  # type: ignore[arg-type]
    assert voice.said == []


def test_warming_up_says_a_word() -> None:
    voice = Voice()
    voice.warmup()
    assert [piece for piece, _ in voice.said] == ["Hello."]


async def test_audio_has_its_text() -> None:
    voice = Voice()
    assert [speech.text for speech in voice.stream_tts_sync(TEXT)] == PIECES
    assert [speech.text async for speech in voice.stream_tts(TEXT)] == PIECES
    assert voice.tts(TEXT).text == TEXT


async def test_a_piece_that_is_said_in_parts_has_its_text_once() -> None:
    class InParts(Voice):
        def _say(self, piece: str, options: Options) -> Iterator[np.ndarray]:
            for half in (piece[:2], piece[2:]):
                yield np.full(len(half), options.level, np.float32)

    texts = ["One.", "", "Two is longer.", "", "Three!", ""]
    assert [speech.text for speech in InParts().stream_tts_sync(TEXT)] == texts
    assert [speech.text async for speech in InParts().stream_tts(TEXT)] == texts
