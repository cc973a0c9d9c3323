import numpy as np
import pytest

from fastrtc.audio.encodings import ENCODINGS

SAMPLES = np.array([0, 8, -8, 1000, -1000, 32767, -32768], np.int16)


@pytest.mark.parametrize("name", ENCODINGS)
def test_what_is_written_can_be_read(name: str) -> None:
    encoding = ENCODINGS[name]
    payload = encoding.encode(SAMPLES.reshape(1, -1))
    assert len(payload) == encoding.sample_bytes * SAMPLES.size
    heard = encoding.decode(payload)
    assert heard.dtype == np.int16 and heard.shape == SAMPLES.shape
    assert np.abs(heard.astype(int) - SAMPLES).max() <= (0 if name == "pcm16" else 700)
    heard[0] = 1  # a handler may write into what it gets


def test_pcm16_is_little_endian() -> None:
    assert ENCODINGS["pcm16"].encode(np.array([1, -2], np.int16)) == b"\x01\x00\xfe\xff"
