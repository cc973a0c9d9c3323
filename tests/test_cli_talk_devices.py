"""`fastrtc talk` with microphone and speaker: PortAudio, and a PulseAudio without hardware."""

import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.peers import tone
from tests.support.pulse_audio import pulse_audio

pytestmark = pytest.mark.external("portaudio", "pulseaudio")

ECHO = str(Path(__file__).parent.parent / "demo/audio_echo")
LIMIT_S = 60.0
RAW = ("--raw", "--format=s16le", "--rate=48000", "--channels=1", "--latency-msec=50")


def until(condition, process: subprocess.Popen) -> None:
    ends = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < ends, "it takes too long"
        assert process.poll() is None, process.args
        time.sleep(0.05)


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment for programs that use PulseAudio."""
    with pulse_audio(tmp_path) as environment:
        yield environment


def loud_s(pcm: bytes) -> float:
    """Return for how long 16-bit mono audio at 48 kHz is loud, in seconds."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")
    return float((np.abs(samples.astype(int)) > 1000).sum()) / 48_000


def test_a_conversation(sound: dict[str, str], tmp_path: Path) -> None:
    said, heard, out = (tmp_path / name for name in ("said.raw", "heard.raw", "out.wav"))
    said.write_bytes(tone(LIMIT_S).tobytes())
    command = [sys.executable, "-m", "fastrtc", "talk", ECHO, "--out", str(out)]
    with (
        heard.open("wb") as file,
        said.open("rb") as speech,
        subprocess.Popen(command, env=sound, stdout=subprocess.PIPE, text=True) as talk,
    ):
        assert talk.stdout is not None
        lines = [talk.stdout.readline()]
        others = [
            subprocess.Popen(["parec", "--device=speaker.monitor", *RAW], env=sound, stdout=file),
            subprocess.Popen(["pacat", "--device=room", *RAW], env=sound, stdin=speech),
        ]
        try:
            until(lambda: loud_s(heard.read_bytes()) > 0.3, talk)
        finally:
            talk.send_signal(signal.SIGINT)
            lines += talk.stdout.read().splitlines()
            status = talk.wait(LIMIT_S)
            for process in others:
                process.kill()
                process.wait()
    assert status == 0
    assert "connected" in lines[0]
    # Which of the two depends on whether the microphone stalled just before the echo arrived.
    assert "the program speaks meanwhile" in lines[1] or "you spoke for" in lines[1]
    with wave.open(str(out)) as recording:
        stereo = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").reshape(-1, 2)
    for channel in stereo.T:  # what the microphone and the program said
        assert loud_s(channel.tobytes()) > 0.25


@pytest.mark.parametrize(
    ("option", "kind"), [("--input-device", "microphone"), ("--output-device", "speaker")]
)
def test_a_device_that_there_is_not(sound: dict[str, str], option: str, kind: str) -> None:
    command = [sys.executable, "-m", "fastrtc", "talk", ECHO, option, "trumpet"]
    done = subprocess.run(command, env=sound, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 1
    assert f"the {kind} cannot be opened: No " in done.stderr
    assert f"{option} may be: " in done.stderr and "default" in done.stderr
