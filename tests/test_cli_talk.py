"""`fastrtc talk`: what it talks to, what it shows, and conversations with real servers."""

import asyncio
import io
import json
import re
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI

from fastrtc import Stream, Unauthorized
from fastrtc.cli import main, talk_devices
from fastrtc.cli.arguments import InvalidArgument
from fastrtc.cli.talk_calls import compare
from fastrtc.cli.talk_display import Display
from fastrtc.cli.talk_script import ScriptError, load
from fastrtc.cli.talk_state import Conversation
from fastrtc.cli.talk_target import find_target
from fastrtc.testing import Turn
from tests.support.peers import tone
from tests.support.servers import serving

DEMOS = Path(__file__).parent.parent / "demo"
ECHO, TAKING_TURNS = str(DEMOS / "audio_echo"), str(DEMOS / "taking_turns")
PROGRAM = """
from fastrtc import AlgoOptions, AsyncStreamHandler, CloseStream, ReplyOnPause, Stream
from tests.support.models import Energy
from tests.testing.programs import tone

def reply(audio):
    yield 24000, tone(0.4, 900.0)

def stream_of(fn):
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    handler = ReplyOnPause(fn, algo_options=algo, model=Energy())
    return Stream(handler, modality="audio", mode="send-receive")

def silence(audio):
    yield 24000, tone(0.4, 900.0) * 0

class Ending(AsyncStreamHandler):
    def copy(self):
        return Ending()

    async def receive(self, frame):
        pass

    async def emit(self):
        return (24000, tone(0.3)), CloseStream("good-bye")

ending = Stream(Ending(), modality="audio", mode="send-receive")
stream = stream_of(reply)
mute = stream_of(silence)
number = 1
"""


@pytest.fixture(autouse=True)
def imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget the modules that the command has imported, and the paths it has added."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = {*sys.modules}
    yield
    for name in {*sys.modules} - before:
        if not hasattr(sys.modules[name], "__path__") and name in ("app", "program"):
            del sys.modules[name]


@pytest.fixture
def program(tmp_path: Path) -> str:
    (tmp_path / "program.py").write_text(PROGRAM)
    return str(tmp_path / "program.py")


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "in.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(tone(0.6).tobytes())
    return str(path)


def talk(*arguments: str) -> int:
    """Run the command, with a real server."""
    return main(["talk", *arguments])


def test_targets(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_target("127.0.0.1:7860") == "http://127.0.0.1:7860"
    assert find_target("https://x.example/talk") == "https://x.example/talk"
    assert isinstance(find_target(program), Stream)
    assert isinstance(find_target(f"{program}:mute"), Stream)
    monkeypatch.chdir(Path(program).parent)
    assert isinstance(find_target("program:stream"), Stream)
    assert isinstance(find_target(ECHO), Stream)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module:stream", "no module 'no_such_module'"),
        ("PROGRAM:no", "has no 'no': its streams are ending, stream, mute"),
        ("PROGRAM:number", "is a int, not a Stream"),
        ("nothing.py", "no file nothing.py"),
        ("BROKEN", "cannot be imported: ZeroDivisionError"),
        ("NEEDY", "not installed: No module named 'no_such_package'"),
        ("http://", "TARGET needs the URL"),
        ("", "TARGET must be MODULE:STREAM"),
    ],
)
def test_targets_that_are_none(target: str, reason: str, program: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "needy.py").write_text("import no_such_package")
    target = target.replace("PROGRAM", program)
    target = target.replace("BROKEN", f"{tmp_path}/broken.py")
    target = target.replace("NEEDY", f"{tmp_path}/needy.py")
    with pytest.raises(InvalidArgument, match=reason):
        find_target(target)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--wav", "x.mp3"], "a WAV file"),
        (["--wav", ""], "a WAV file"),
        (["--wav", "no.wav"], "cannot be read as a WAV file"),
        (["--header", "x"], "--header must be"),
        (["--header", "A: 1", "--header", "a: 2"], "'a' is given twice"),
        (["--script", "no.yaml"], "cannot be read"),
        (["--out", "/no/such/folder/x.wav"], "a file in a folder that exists"),
        (["--limit", "5"], "--limit has no effect with microphone and speaker"),
        (["--text", "--input-device", "1"], "--input-device has no effect with --text"),
        (["--wav", "x.wav", "--input-device", "1"], "--input-device has no effect with --wav"),
        (["--wav", "x.wav", "--output-device", "1"], "--output-device has no effect with --wav"),
        (["--script", "x.yaml", "--out", "x.wav"], "--out has no effect with --script"),
        (["--script", "x.yaml", "--input-device", "1"], "--input-device has no effect with --scr"),
        (["--script", "x.yaml", "--output-device", "1"], "--output-device has no effect with --s"),
    ],
)
def test_invalid_arguments(
    arguments: list[str], reason: str, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["talk", program, *arguments]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
def test_a_wav_file_and_a_demo(
    transport: str, recording: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.wav"
    arguments = ["--wav", recording, "--out", str(out), "--transport", transport]
    assert talk(ECHO, *arguments) == 0
    assert "1 reply" in capsys.readouterr().out
    assert (recorded(out) > 4000).all()


def recorded(path: Path) -> np.ndarray:
    """The loudest samples of both sides."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 48000)
        stereo = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    return np.abs(stereo.astype(int)).max(axis=0)


def test_a_limit_of_lines_that_are_typed(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert main(["talk", program, "--text", "--limit", "5"]) == 2
    assert "--limit has no effect on lines that are typed" in capsys.readouterr().err


def test_a_url(recording: str, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    stream = find_target(program)
    assert isinstance(stream, Stream)
    app = FastAPI()
    stream.mount(app, path="/talk")
    with serving(app) as url:
        assert talk(f"{url}/talk", "--wav", recording) == 0
    printed = capsys.readouterr().out
    assert "reply after" in printed and "latency: median" in printed


def test_typed_text_is_said_line_by_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hello there.\n\nTell me more.\n"))
    assert talk(TAKING_TURNS, "--text") == 0
    printed = capsys.readouterr()
    assert "you: Hello there." in printed.out and "2 replies" in printed.out
    assert "replies are not played: microphone" in printed.err


def test_no_reply_leaves_a_recording(
    recording: str, program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.wav"
    arguments = ["--wav", recording, "--limit", "0.5", "--out", str(out)]
    assert talk(f"{program}:mute", *arguments) == 1
    assert "no reply within 0.5 s" in capsys.readouterr().err
    assert recorded(out)[0] > 4000


def test_a_refusal(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(FastAPI()) as url:
        assert talk(url, "--wav", recording) == 1
    assert "there is no stream at" in capsys.readouterr().err


def test_microphone_without_sounddevice(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["talk", program]) == 1
    assert 'pip install "fastrtc[talk]"' in capsys.readouterr().err


class Sounds:
    """What is used of sounddevice, with devices that a test drives."""

    PortAudioError = OSError

    def query_devices(self) -> list[dict[str, Any]]:
        return [{"name": "HDMI", "max_input_channels": 0, "max_output_channels": 2}]

    def __init__(self, works: bool = True) -> None:
        self.works = works
        self.opened: list[Any] = []

    def InputStream(self, **options: Any) -> Any:  # noqa: N802
        return self._open(options)

    OutputStream = InputStream

    def _open(self, options: dict[str, Any]) -> Any:
        if not self.works:
            raise OSError("no such device")
        sounds = self

        class Device:
            callback = options["callback"]
            latency = 0.05
            closed = False

            def start(self) -> None:
                sounds.opened.append(self)

            def close(self) -> None:
                self.closed = True

        device = Device()
        device.callback = options["callback"]
        return device


async def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = Sounds()
    monkeypatch.setitem(sys.modules, "sounddevice", sounds)
    heard: list[Any] = []
    microphone = talk_devices.Microphone(None, heard.append)
    player = talk_devices.Player("speaker")
    frame = np.arange(960, dtype=np.int16)
    sounds.opened[0].callback(frame[:, None], 960, None, None)
    await asyncio.sleep(0.01)
    assert np.array_equal(heard[0], frame)
    assert player.delay_s == 0.05
    player.play(frame[:100])
    assert player.delay_s == 0.05
    out = np.ones((960, 1), np.int16)
    sounds.opened[1].callback(out, 960, None, None)
    assert np.array_equal(out[:100, 0], frame[:100]) and not out[100:].any()
    player.play(frame)
    player.play(frame[:10])
    assert player.delay_s == pytest.approx(0.07)  # behind the frame before
    microphone.close()
    player.close()
    assert all(device.closed for device in sounds.opened)
    sounds.works = False
    with pytest.raises(talk_devices.NoDevice, match="opened: no such device. --out.* be: 0 HDMI"):
        talk_devices.Player(None)
    with pytest.raises(talk_devices.NoDevice, match="this machine has no microphone"):
        talk_devices.Microphone(None, heard.append)


def test_microphone_and_speaker_until_the_program_ends_the_call(
    program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sounds = Sounds()
    monkeypatch.setitem(sys.modules, "sounddevice", sounds)
    assert talk(f"{program}:ending", "--out", str(tmp_path / "out.wav")) == 0
    assert (tmp_path / "out.wav").exists()
    assert "the program ended the call: good-bye" in capsys.readouterr().out
    speaker, microphone = sounds.opened
    out = np.zeros((48000, 1), np.int16)
    speaker.callback(out, 48000, None, None)
    assert np.abs(out).max() > 4000 and microphone.closed


# The state and the display


def follow(conversation: Conversation, *events: tuple[float, str]) -> list[str]:
    """Speak (``you``) and hear (``it``) for 20 ms at these times, or receive a message."""
    loud, lines = np.full(960, 3000, np.int16), []
    for now, event in events:
        if event in ("you", "quiet"):
            lines += conversation.spoken(now, loud if event == "you" else loud * 0)
        elif event == "it":
            lines += conversation.heard(now, loud)
        else:
            lines += conversation.message({"type": "log", "data": event})
    return lines


def test_states_and_latency() -> None:
    conversation = Conversation()
    assert (
        follow(conversation, (1.0, "you"), (1.5, "you"), (1.5, "started_talking"), (2.0, "you"))
        == []
    )
    assert conversation.state == "hearing you"
    follow(conversation, (2.5, "pause_detected"))
    assert conversation.state == "thinking"
    (line,) = follow(conversation, (2.75, "response_starting"), (2.75, "it"), (3.5, "it"))
    assert line == "you spoke for 1.0 s; reply after 0.75 s" and conversation.state == "speaking"
    assert follow(conversation, (5.0, "quiet")) == ["the reply was 0.8 s long"]
    assert conversation.state == "listening" and conversation.is_over(5.0, 1.5)
    assert follow(conversation, (6.0, "it")) == ["the program speaks again"]
    assert conversation.summary() == "1 reply; latency: median 0.75 s, maximum 0.75 s"


def test_a_greeting_and_an_echo() -> None:
    conversation = Conversation()
    assert follow(conversation, (1.0, "it")) == ["the program speaks first"]
    assert follow(conversation, (2.0, "quiet")) == ["the reply was 0.0 s long"]
    spoken = follow(conversation, (3.0, "you"), (3.06, "it"), (3.1, "you"))
    assert spoken == ["the program speaks meanwhile"] and conversation.replies == 2
    assert conversation.summary() == "2 replies"


def test_an_interruption_is_no_reply() -> None:
    conversation = Conversation()
    follow(conversation, (1.0, "you"), (1.5, "it"), (1.7, "it"), (1.9, "it"))
    follow(conversation, (2.0, "you"), (2.1, "it"), (2.2, "started_talking"), (2.25, "it"))
    assert conversation.state == "interrupted" and conversation.replies == 1
    follow(conversation, (2.74, "pause_detected"), (2.9, "it"))
    assert conversation.replies == 2 and conversation.latencies == pytest.approx([0.5, 0.9])


def test_messages_that_are_shown() -> None:
    conversation = Conversation()
    shown = [
        {"type": "transcript", "data": {"who": "you", "text": "Hi", "final": True}},
        {"type": "transcript", "data": {"who": "you", "text": "H", "final": False}},
        {"type": "error", "message": "broken", "data": "broken"},
        {"type": "fetch_output", "data": []},
    ]
    lines = [line for message in shown for line in conversation.message(message)]
    assert lines == ["you: Hi", "error: broken"]
    assert [*conversation.outputs((1, "a"))] == ["outputs: 1, 'a'"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_state_in_its_last_line() -> None:
    conversation, terminal = Conversation(), Terminal()
    display = Display(terminal, conversation)
    display.line(1.0, "hello\x1b[31m")
    display.level(0, np.full(960, 20000, np.int16))
    display.state(1.0)
    display.state(1.05)  # too early
    shown = terminal.getvalue().split("\r\x1b[K")
    assert shown[1] == "   1.00  hello [31m\n" and len(shown) == 3
    assert "listening" in shown[2] and "you ▇" in shown[2]
    plain = io.StringIO()
    Display(plain, conversation).state(1.0)
    assert not plain.getvalue()


# Scripts

SCRIPT = """
- name: reply
  over: memory
  steps:
    - say: in.wav
    - reply
    - wait: 0.2
    - finish: 5
  turns: 1
  expect:
    - {replied: true, max_latency_s: 1.5, interrupted: false, min_reply_s: 0.3, max_reply_s: 0.6}
"""


def script(tmp_path: Path, text: str) -> str:
    (tmp_path / "calls.yaml").write_text(text)
    return str(tmp_path / "calls.yaml")


def test_a_script_prints_json_lines(
    recording: str, program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = SCRIPT.replace("name: reply", "name: late").replace("1.5", "0.01")
    path = script(tmp_path, SCRIPT + late.replace("over: memory", "over: websocket"))
    assert talk(program, "--script", path) == 1
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["call"], one["event"]) for one in events] == [
        ("reply", "turn"),
        ("reply", "end"),
        ("late", "turn"),
        ("late", "failed"),
        ("late", "end"),
    ]
    assert events[0]["said"] == "in.wav" and 0 < events[0]["latency_s"] < 1.5
    assert events[1]["passed"] is True and events[4]["passed"] is False
    assert "is more than 0.01" in events[3]["reason"]
    (tmp_path / "calls.yaml").write_text(SCRIPT)
    assert talk(program, "--script", path) == 0


def test_a_scripted_call_that_fails(
    recording: str, program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = script(tmp_path, "{over: memory, steps: [{say: in.wav}, {reply: 0.5}]}")
    assert main(["talk", f"{program}:mute", "--script", path]) == 1
    assert "step 2 (reply): No reply to 'in.wav' within 0.5 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "has no calls"),
        ("a: [", "is not YAML"),
        ("hello", "must have keys"),
        ("{steps: []}", "needs a list of steps"),
        ("{steps: [wait: 1], word: 1}", "unknown key 'word'"),
        ("{name: n, steps: [sing]}", r"call 1 \(n\), step 1: there is no step 'sing'"),
        ("{steps: [say: 1]}", "say must not be 1"),
        ("{steps: [{say: a, at: 1}]}", "say takes no at"),
        ("{steps: [reply: true]}", "reply must not be True"),
        ("{steps: [{say: a, after_reply_s: 1}]}", "step 1: after_reply_s needs a step `reply`"),
        ("{steps: [reply, {say: a, at_s: 1, after_reply_s: 1}]}", "takes one of at_s and after"),
        ("{steps: [reply], steps: [finish]}", "line 1: the key 'steps' occurs twice"),
        ("{steps: [reply], over: pigeon}", "over must be one of memory"),
        ("{steps: [reply], ears: 1}", "ears must be the name of a model"),
        ("{steps: [reply], turns: two}", "turns must be a number"),
        ("{steps: [reply], loss: much}", "loss must be a number"),
        ("{steps: [reply], limit_s: .inf}", "limit_s must be a number"),
        ("{steps: [reply], outage: 5}", r"outage must be \[start_s, length_s\]"),
        ("{steps: [reply], expect: [{max_latency: 1}]}", "turn 1: 'max_latency' is none of"),
        ("{steps: [reply], expect: [{replied: 1}]}", "replied must be true or false, not 1"),
        ("{steps: [reply], expect: [{max_latency_s: true}]}", "must be a number, not True"),
        ("{steps: [reply], expect: 1}", "expect must be a list"),
        ("{steps: [reply], expect: [{heard: yes sir}]}", "needs `ears`"),
    ],
)
def test_malformed_scripts(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=reason):
        load(script(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{name: n, over: memory, steps: [reply]}", "n: over='memory' needs a Stream"),
        ("{steps: [reply], loss: 2}", "2: loss must be a share"),
        ("{steps: [reply], ears: bat}", "2: .*bat"),
    ],
)
def test_calls_that_cannot_be_made(
    text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No call is made, not even those before."""
    path = script(tmp_path, f"[{{steps: [reply]}}, {text}]")
    assert main(["talk", "http://127.0.0.1:9", "--script", path]) == 2
    printed = capsys.readouterr()
    assert re.search(reason, printed.err) and not printed.out


def test_headers_and_the_limit_of_a_script(
    recording: str, program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def authorize(connection: Any) -> None:
        if connection.headers.get("authorization") != "Bearer TOKEN":
            raise Unauthorized("who are you?")

    stream = find_target(f"{program}:mute")
    assert isinstance(stream, Stream)
    stream.authorize = authorize
    app = FastAPI()
    stream.mount(app)
    steps = "[{say: in.wav}, reply]"
    path = script(tmp_path, f"[{{over: websocket, steps: {steps}}}, {{steps: {steps}}}]")
    header = ["--header", "Authorization: Bearer TOKEN"]
    with serving(app) as url:
        assert talk(url, "--script", path, "--limit", "0.3") == 1
        assert capsys.readouterr().out.count("who are you?") == 2
        assert talk(url, "--script", path, "--limit", "0.3", *header) == 1
    assert capsys.readouterr().out.count("No reply to 'in.wav' within 0.3 s") == 2
    path = script(tmp_path, f"{{over: memory, steps: {steps}}}")
    assert main(["talk", program, "--script", path, *header]) == 2
    assert "headers have no effect" in capsys.readouterr().err


def test_expectations() -> None:
    silent = Turn("", 0.0, 1.0)
    assert compare(silent, {"replied": False}) == []
    assert compare(silent, {"replied": True, "max_latency_s": 1}) == [
        "there is no reply",
        "latency_s inf is more than 1",
    ]
    turn = Turn("", 0.0, 1.0, 2.0, 5.0, True, 0.5)
    expected = {"replied": True, "interrupted": True, "max_stopped_after_s": 0.6}
    assert compare(turn, expected) == []
    expected = {"interrupted": False, "max_stopped_after_s": 0.4, "max_reply_s": 1}
    assert compare(turn, expected) == [
        "interrupted",
        "stopped_after_s 0.500 is more than 0.4",
        "the reply is 3.000 s long, more than 1",
    ]
