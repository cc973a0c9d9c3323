"""A few seconds' proof that an installed fastrtc works; needs nothing but the package.

It imports fastrtc, mounts a stream without waking Gradio, connects an aiortc peer in this process
and waits to hear its own tone come back. The last line counts what passed; the exit status is 1
when something failed. Run it with the interpreter that has the package: `python tests/smoke.py`.
"""

import asyncio
import fractions
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np

RATE = 48_000  # Hz
FRAME = RATE // 50  # samples in 20 ms
TONE = 440.0  # Hz
PATIENCE = 20.0  # s, until the tone must have come back
ENOUGH = 25  # frames with the tone in them: half a second


def check_imports() -> None:
    """`import fastrtc` and a mounted stream leave Gradio asleep."""
    from fastapi import FastAPI

    app = FastAPI()
    echo_stream().mount(app)
    paths = {getattr(route, "path", "") for route in app.router.routes}
    assert "/webrtc/offer" in paths, f"no offer route among {sorted(paths)}"
    assert "gradio" not in sys.modules, "Gradio was imported although no page was asked for"


def check_echo() -> None:
    """A tone that a peer sends comes back through a Python handler."""
    heard = asyncio.run(asyncio.wait_for(frames_with_the_tone(), PATIENCE))
    assert heard >= ENOUGH, f"only {heard} frames came back with the tone"


def check_command_line() -> None:
    """`fastrtc version` and the list of demos, by `python -m` as by the script."""
    from fastrtc import __version__

    script = Path(sys.executable).with_name("fastrtc")
    for command in ([str(script)], [sys.executable, "-m", "fastrtc"]):
        said = subprocess.run([*command, "version"], capture_output=True, text=True, check=True)
        assert said.stdout.split() == ["fastrtc", __version__], said.stdout
        said = subprocess.run([*command, "demo"], capture_output=True, text=True, check=True)
        assert "audio_echo" in said.stdout, f"the list of demos is {said.stdout!r}"


def check_starters() -> None:
    """`fastrtc init` writes an app: its templates and npm packages are in the package."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "voice")
        command = [sys.executable, "-m", "fastrtc", "init", str(app), "--react"]
        subprocess.run(command, capture_output=True, check=True)
        assert (app / "dev.py").is_file() and (app / ".gitignore").is_file()
        assert len([*app.glob("frontend/vendor/fastrtc-*.tgz")]) == 2


def echo_stream():
    import queue

    from fastrtc import Stream, StreamHandler

    class Echo(StreamHandler):
        def __init__(self) -> None:
            super().__init__(output_sample_rate=RATE, input_sample_rate=RATE)
            self.chunks: queue.Queue[tuple[int, np.ndarray]] = queue.Queue()

        def copy(self) -> "Echo":
            return Echo()

        def receive(self, frame: tuple[int, np.ndarray]) -> None:
            self.chunks.put(frame)

        def emit(self):
            try:
                return self.chunks.get(timeout=0.1)
            except queue.Empty:
                return None

    return Stream(
        Echo(),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration={"iceServers": []},
        verbose=False,
    )


async def frames_with_the_tone() -> int:
    """Connect a peer that sends the tone; count the frames in which it comes back."""
    from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
    from aiortc.mediastreams import MediaStreamTrack
    from av import AudioFrame

    class Tone(MediaStreamTrack):
        kind = "audio"

        def __init__(self) -> None:
            super().__init__()
            self.sent = 0
            self.started = time.monotonic()

        async def recv(self) -> AudioFrame:
            due = self.started + self.sent / RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            at = (self.sent + np.arange(FRAME)) / RATE
            samples = (8_000 * np.sin(2 * np.pi * TONE * at)).astype(np.int16)
            frame = AudioFrame.from_ndarray(samples.reshape(1, -1), layout="mono")
            frame.sample_rate, frame.pts = RATE, self.sent
            frame.time_base = fractions.Fraction(1, RATE)
            self.sent += FRAME
            return frame

    stream, webrtc_id = echo_stream(), "smoke"
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    back: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
    peer.on("track", lambda track: back.done() or back.set_result(track))
    peer.addTrack(Tone())
    peer.createDataChannel("text")
    await peer.setLocalDescription(await peer.createOffer())
    try:
        answer = await stream.handle_offer(
            {
                "sdp": peer.localDescription.sdp,
                "type": peer.localDescription.type,
                "webrtc_id": webrtc_id,
            },
            set_outputs=stream.set_additional_outputs(webrtc_id),
        )
        assert isinstance(answer, dict), f"the offer was refused: {answer.body!r}"
        await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        track, heard = await back, 0
        while heard < ENOUGH:
            heard += has_tone(await track.recv())
        return heard
    finally:
        await peer.close()
        stream.clean_up(webrtc_id)


def has_tone(frame) -> bool:
    """Whether the frame is loud and most of its energy is at the tone's frequency."""
    samples = frame.to_ndarray().reshape(-1).astype(np.float64)
    samples = samples[:: len(frame.layout.channels)]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    bins = np.fft.rfftfreq(samples.size, 1 / frame.sample_rate)
    near = np.abs(bins - TONE) < 150
    return bool(samples.std() > 500 and spectrum[near].sum() > 0.7 * spectrum.sum())


def main() -> int:
    failed = 0
    checks = (check_imports, check_command_line, check_starters, check_echo)
    for check in checks:
        try:
            check()
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f"FAILED {check.__name__}: {check.__doc__}", flush=True)
        else:
            print(f"passed {check.__name__}: {check.__doc__}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
