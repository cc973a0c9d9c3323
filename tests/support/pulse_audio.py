"""A PulseAudio with devices that no machine has to have: programs play and record on them."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.programs import require_program

__all__ = ["pulse_audio"]

LIMIT_S = 60.0


@contextmanager
def pulse_audio(folder: Path) -> Iterator[dict[str, str]]:
    """Run PulseAudio within the block, with the sinks `speaker` and `room`, of the microphone.

    Args:
        folder: A folder, which becomes the home of its programs.

    Yields:
        The environment for programs that use it, directly, or through ALSA as PortAudio does.
    """
    with TemporaryDirectory() as place:  # the path of a socket must be short
        socket = f"unix:{place}/socket"
        (folder / ".asoundrc").write_text("pcm.!default pulse\nctl.!default pulse\n")
        environment = {**os.environ, "HOME": str(folder), "PULSE_RUNTIME_PATH": place}
        modules = [
            f"module-native-protocol-unix socket={place}/socket auth-anonymous=1",
            "module-null-sink sink_name=speaker rate=48000 channels=1",
            "module-null-sink sink_name=room rate=48000 channels=1",
        ]
        loads = [argument for module in modules for argument in ("-L", module)]
        command = [require_program("pulseaudio"), "-n", "--exit-idle-time=-1", *loads]
        with (folder / "pulse.log").open("wb") as log:
            server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        environment["PULSE_SERVER"] = socket
        try:
            ends = time.monotonic() + LIMIT_S
            while not _has_defaults(environment):
                assert time.monotonic() < ends and server.poll() is None, command
                time.sleep(0.05)
            yield environment
        finally:
            server.kill()
            server.wait()


def _has_defaults(environment: dict[str, str]) -> bool:
    commands = (["set-default-sink", "speaker"], ["set-default-source", "room.monitor"])
    return not any(
        subprocess.run(["pactl", *one], env=environment, capture_output=True).returncode
        for one in commands
    )
