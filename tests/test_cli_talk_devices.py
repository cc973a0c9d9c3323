"""`fastrtc talk` with microphone and speaker: PortAudio, and a PulseAudio without hardware."""

import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.support.peers import tone
from tests.support.programs import require_program

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
    """A PulseAudio whose default devices are the sinks `speaker` and `room`, of the microphone;
    the environment for programs that use it, through ALSA as PortAudio does."""
    with TemporaryDirectory() as folder:  # the path of a socket must be short
        socket = f"unix:{folder}/socket"
        (tmp_path / ".asoundrc").write_text("pcm.!default pulse\nctl.!default pulse\n")
        environment = {**os.environ, "HOME": str(tmp_path), "PULSE_RUNTIME_PATH": folder}
        modules = [
            f"module-native-protocol-unix socket={folder}/socket auth-anonymous=1",
            "module-null-sink sink_name=speaker rate=48000 channels=1",
            "module-null-sink sink_name=room rate=48000 channels=1",
        ]
        loads = [argument for module in modules for argument in ("-L", module)]
        command = [require_program("pulseaudio"), "-n", "--exit-idle-time=-1", *loads]
        with (tmp_path / "pulse.log").open("wb") as log:
            server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        environment["PULSE_SERVER"] = socket

        def chosen() -> bool:
            commands = (["set-default-sink", "speaker"], ["set-default-source", "room.monitor"])
            return not any(
                subprocess.run(["pactl", *one], env=environment, capture_output=True).returncode
                for one in commands
            )

        try:
            until(chosen, server)
            yield environment
        finally:
            server.kill()
            server.wait()


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
