"""Record `fastrtc talk` in a terminal, and write what it shows as an SVG.

    python docs/screens/terminal.py docs/screens/talk.svg

The output is that of a real conversation with `demo/taking_turns`, which plays back what it hears.
"""

import html
import os
import pty
import re
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

from fastrtc.testing.speech import to_audio

SAID = ("Hello, is anybody there?", "Then tell me a story.", "Thank you.")
PAUSE_S = 3.5  # between two of them: the reply
COMMAND = "fastrtc talk demo/taking_turns --wav questions.wav"
COLORS = {"32": "#3fb950", "33": "#d29922", "35": "#db61a2", "36": "#39c5cf", "90": "#8b949e"}
LINE, CHARACTER, MARGIN = 20, 8.4, 16  # px
HEARD = re.compile(r"speaking .* program [▃-█]  reply after [^\n]*$")
BLOCK = re.compile(r"\x1b\[(\d+)m(.*?)\x1b\[0m|([^\x1b]+)")


def record(folder: str) -> str:
    """Run the command in a terminal, and return what it prints."""
    pause = np.zeros(round(PAUSE_S * 48000), np.int16)
    speech = np.concatenate([part for text in SAID for part in (to_audio(text, None), pause)])
    with wave.open(f"{folder}/questions.wav", "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(speech[: -len(pause)].tobytes())
    program = [sys.executable, "-m", *COMMAND.split()]
    program[-1] = f"{folder}/questions.wav"
    child, terminal = pty.fork()
    if not child:
        os.execv(program[0], program)
    printed = b""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the program has ended
            break
        if not data:
            break
        printed += data
    os.waitpid(child, 0)
    return printed.decode()


def screen(printed: str) -> list[str]:
    """Return the lines of the screen while the last reply is heard."""
    states = printed.split("\r\x1b[K")
    last = max(i for i, one in enumerate(states) if HEARD.search(one))
    kept = [one.strip("\r\n") for one in states[:last] if one.endswith("\n")]
    return [f"$ {COMMAND}", *kept, states[last]]


def svg(lines: list[str]) -> str:
    """Draw lines with ANSI colors."""
    width = round(max(len(COMMAND) + 2, *map(len, lines)) * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        "<title>fastrtc talk in a terminal</title>",
        '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>',
        '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">',
    ]
    for number, line in enumerate(lines):
        spans = ""
        for color, colored, plain in BLOCK.findall(line):
            text = html.escape(colored or plain)
            spans += f'<tspan fill="{COLORS[color]}">{text}</tspan>' if color else text
        y = MARGIN + LINE * number + 14
        parts.append(f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{spans}</text>')
    return "\n".join((*parts, "</g>", "</svg>", ""))


def main(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = screen(record(folder))
    Path(path).write_text(svg(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
