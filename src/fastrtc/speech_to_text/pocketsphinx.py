"""PocketSphinx: recognizes a small vocabulary, with a model included in its package."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.models import ModelError, import_extra
from .protocol import RATE, STTModel, Word, to_recognizer

__all__ = ["PocketSphinxSTT"]

PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W "
    "Y Z ZH"
).split()
"""The phones of the English model, used as filler between the words if other words may be said."""

SOUND = "fastrtc_sound_"
"""Prefix of the dictionary entries that stand for a single phone."""

OTHER_SHARE = 0.9
"""The weight of filler phones in the grammar. With it, 6 of 108 recorded prompts that contain
neither "monday" nor "january" were mistaken for one of them; with 0.01, three times as many."""

PADDING = np.zeros(RATE // 5, np.int16)
"""Silence around the audio, which the decoder needs to find the start and end of speech."""

PIECE = 2 * RATE // 10
"""Bytes to decode at a time (0.1 s): the decoder holds the GIL meanwhile."""

PUNCTUATION = re.compile(r"[^\w\s']")
WORD = re.compile(r"[a-z][a-z']*")


class PocketSphinxSTT(STTModel):
    """Recognizes a few English words; needs ``fastrtc[offline]``, and no download.

    It chooses between the given words and suits a handful of words that do not sound alike. It
    cannot transcribe dictation. An instance can serve any number of connections and threads, one at
    a time.

    Args:
        words: The vocabulary: words, or phrases of several words, in any case and with any
            punctuation.
        words_only: Whether only these words are said, so that all speech is matched to one of them.
            If False, other speech and unclear words are left out, as stop words need.

    Raises:
        ValueError: If there are no words, or a word is not in the dictionary of the model.
        TypeError: If the words are not a list of strings.
        MissingExtra: If the package is not installed.
    """

    def __init__(self, words: Sequence[str], *, words_only: bool = True) -> None:
        self.phrases = _phrases(words)
        pocketsphinx = import_extra("pocketsphinx", "offline")
        # `bestpath` takes seconds per second of a loop of phones, and changes nothing here
        self._decoder: Any = pocketsphinx.Decoder(lm=None, bestpath=False, loglevel="FATAL")
        unknown = sorted(
            {word for phrase in self.phrases for word in phrase.split() if not self._knows(word)}
        )
        if unknown:
            raise ValueError(f"PocketSphinx has no pronunciation of {', '.join(unknown)}")
        if not words_only:
            for phone in PHONES:
                self._decoder.add_word(SOUND + phone.lower(), phone, phone == PHONES[-1])
        self._decoder.add_jsgf_string("words", _grammar(self.phrases, words_only))
        self._decoder.add_jsgf_string("mean", _grammar(["a"], words_only=True))
        self._lock = threading.Lock()  # a decoder processes one utterance at a time

    def stt(self, audio: tuple[int, NDArray[np.int16 | np.float32]]) -> str:
        """Transcribe audio.

        Args:
            audio: A sample rate in Hz, and mono or stereo samples of any real dtype and shape.

        Returns:
            The words, in lower case.

        Raises:
            TypeError: If the audio is not a pair of a rate and samples, or the dtype is not a real
                number.
            ValueError: If the rate is not a positive integer, or the shape is not supported.
            ModelError: If the decoder fails.
        """
        return " ".join(word.text for word in self.stt_words(audio))

    def stt_words(self, audio: tuple[int, NDArray[np.int16 | np.float32]]) -> list[Word]:
        """Transcribe audio, with the time of each word.

        Args:
            audio: As in ``stt``.

        Raises:
            TypeError: If the audio is not a pair of a rate and samples, or the dtype is not a real
                number.
            ValueError: If the rate is not a positive integer, or the shape is not supported.
            ModelError: If the decoder fails.
        """
        samples = to_recognizer(audio)
        if samples.size == 0:
            return []
        padded = np.concatenate((PADDING, samples, PADDING)).astype("<i2").tobytes()
        try:
            with self._lock:
                segments = self._decode(padded)
        except RuntimeError as error:
            raise ModelError(f"PocketSphinx failed: {error}") from error
        frame_s = 1 / self._decoder.config["frate"]
        before_s = PADDING.size / RATE
        return [
            Word(
                _spelling(segment.word),
                max(0.0, segment.start_frame * frame_s - before_s),
                max(0.0, (segment.end_frame + 1) * frame_s - before_s),
            )
            for segment in segments
            if segment.word[0] not in "<[(" and not segment.word.startswith(SOUND)
        ]

    def _decode(self, audio: bytes) -> list[Any]:
        """Decode in pieces, so that other threads can run in between.

        The decoder subtracts the cepstral mean, which it computes only for audio that it gets in
        one piece. So it gets the whole audio first, with a trivial grammar, which takes a tenth of
        the time.
        """
        decoder = self._decoder
        decoder.reinit_feat()  # after decoding in pieces it would not compute the mean
        decoder.activate_search("mean")
        decoder.start_utt()
        decoder.process_raw(audio, no_search=True, full_utt=True)
        mean = decoder.get_cmn(False)
        decoder.end_utt()
        decoder.activate_search("words")
        decoder.set_cmn(mean)
        decoder.start_utt()
        for start in range(0, len(audio), PIECE):
            decoder.process_raw(audio[start : start + PIECE])
        decoder.end_utt()
        return list(decoder.seg() or ())

    def _knows(self, word: str) -> bool:
        return self._decoder.lookup_word(word) is not None


def _phrases(words: Sequence[str]) -> list[str]:
    if isinstance(words, str):
        raise ValueError(f"words must be a list of words, not {words!r}")
    if not isinstance(words, Iterable) or not all(isinstance(word, str) for word in words):
        raise TypeError(f"words must be a list of strings, not {words!r}")
    plain = (PUNCTUATION.sub(" ", phrase.lower().replace("’", "'")) for phrase in words)
    phrases = [" ".join(phrase.split()) for phrase in plain]
    if not phrases:
        raise ValueError("PocketSphinx needs words= to choose from")
    for phrase in phrases:
        if not phrase or not all(WORD.fullmatch(word) for word in phrase.split()):
            raise ValueError(
                f"Words must consist of letters of the English alphabet, unlike {phrase!r}"
            )
    return phrases


def _grammar(phrases: Sequence[str], words_only: bool) -> str:
    """Return a grammar in the JSpeech Grammar Format (JSGF): any number of the phrases."""
    item = "<phrase>"
    if not words_only:
        sounds = " | ".join(SOUND + phone.lower() for phone in PHONES)
        item = f"/{1 - OTHER_SHARE:.4f}/ <phrase> | /{OTHER_SHARE:.4f}/ ( {sounds} )"
    return (
        "#JSGF V1.0;\n"
        "grammar words;\n"
        f"public <said> = ( {item} )+ ;\n"
        f"<phrase> = {' | '.join(f'( {phrase} )' for phrase in phrases)} ;\n"
    )


def _spelling(word: str) -> str:
    """Return the word of a dictionary entry; alternative pronunciations are numbered: ``a(2)``."""
    return word.partition("(")[0]
