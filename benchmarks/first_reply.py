"""How long a new user waits for the first reply: `python -m benchmarks.first_reply URL COMMANDS`.

    python -m benchmarks.first_reply http://127.0.0.1:7860 \\
        "git clone . /tmp/fresh && cd /tmp/fresh && make demo"

The commands run in bash, without pip's cache; what they print is shown with its time. As soon as
the address answers, Chromium opens it and presses Start. Its microphone is a recording that is
silent for a second, says goodbye, and is silent again; the first sound that comes back ends it.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from tests.support.programs import require_program
from tests.support.speech import recorded_prompt, spaced, write_wav

RATE = 48_000  # Hz
PATIENCE_S = 600.0

LISTEN = """
window.firstSound = null;
const Peer = RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(...args) {
    super(...args);
    this.addEventListener("track", ({ track }) => {
      if (track.kind !== "audio") return;
      const context = new AudioContext(), analyser = context.createAnalyser();
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      setInterval(() => {
        analyser.getFloatTimeDomainData(samples);
        if (Math.max(...samples) > 0.02) window.firstSound ??= Date.now();
      }, 10);
    });
  }
};
"""


def main(url: str, commands: str) -> None:
    started = time.time()

    def say(what: str, at: float | None = None) -> None:
        print(f"{(at or time.time()) - started:6.1f}  {what}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        question = spaced(1.0, recorded_prompt("vm-goodbye", RATE), 60.0)
        microphone = write_wav(Path(folder, "question.wav"), RATE, question)
        program = subprocess.Popen(
            ["bash", "-c", commands],
            env={**os.environ, "PIP_NO_CACHE_DIR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert program.stdout is not None
        lines = program.stdout
        threading.Thread(
            target=lambda: [say(f"| {line.rstrip()}") for line in lines], daemon=True
        ).start()
        try:
            wait_for(url, started + PATIENCE_S)
            say("the server answers")
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(
                    executable_path=require_program("chromium"),
                    args=[
                        "--no-sandbox",
                        "--use-fake-device-for-media-stream",
                        "--use-fake-ui-for-media-stream",
                        f"--use-file-for-fake-audio-capture={microphone}%noloop",
                    ],
                )
                page = chromium.new_page()
                page.add_init_script(LISTEN)
                page.goto(url)
                page.get_by_role("button", name="Start").first.click()
                say("Start is pressed")
                page.wait_for_function("window.firstSound !== null", timeout=60_000)
                say("the first sound of the reply", page.evaluate("window.firstSound") / 1000)
                chromium.close()
        finally:
            os.killpg(program.pid, signal.SIGINT)
            program.wait(30)


def wait_for(url: str, until: float) -> None:
    while True:
        try:
            httpx.get(url, timeout=2)
            return
        except httpx.HTTPError:
            if time.time() > until:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
