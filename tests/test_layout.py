"""Each module of the package has a test module, as CONTRIBUTING.md says, and is short."""

import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src/fastrtc"

MAX_LINES = 400
"""More lines are more than one concept: give one of them a module of its own."""

LONG = {"stream.py": 480}
"""Longer modules: the docstring of ``Stream`` describes every option."""

MAX_PACKAGES = 36

ELSEWHERE = {
    "__main__.py": "tests/test_cli.py",
    "_pyinstaller/": "tests/test_init.py",
    "cli/": "tests/test_cli.py",
    "starters/": "tests/demos/test_starters.py",
    "core/tool_call.py": "tests/turns/test_tool_calls.py",
    "client/link.py": "tests/client/test_client.py",
    "client/links.py": "tests/client/test_client.py",
    "client/switched_events.py": "tests/websocket/test_resume.py",
    "credentials/": "tests/test_credentials.py",
    "core/stats.py": "tests/webrtc/test_stats.py",
    "core/conversation_events.py": "tests/session/test_turn_log.py",
    "handlers/speaking.py": "tests/handlers/test_interrupt.py",
    "core/recording.py": "tests/session/test_recording.py",
    "pacing/taps.py": "tests/session/test_recording.py",
    "recording/errors.py": "tests/recording/test_writer.py",
    "recording/events.py": "tests/recording/test_taps.py",
    "server/answering.py": "tests/webrtc",
    "server/arguments.py": "tests/handlers/test_arguments.py",
    "server/cluster/candidates.py": "tests/webrtc/test_cluster.py",
    "server/cluster/forwarded.py": "tests/webrtc/test_cluster.py",
    "server/cluster/membership.py": "tests/webrtc/test_cluster.py",
    "server/cluster/node.py": "tests/webrtc/test_cluster_faults.py",
    "server/cluster/resuming.py": "tests/webrtc/test_cluster.py",
    "server/cluster/opening.py": "tests/webrtc/test_cluster_faults.py",
    "server/cluster/sqlite_file.py": "tests/server/cluster/test_sqlite.py",
    "server/hooks.py": "tests/server/test_stream_sessions.py",
    "server/connection_stats.py": "tests/webrtc/test_stats.py",
    "server/telephone_lines.py": "tests/server/test_telephone.py",
    "session/figures.py": "tests/webrtc/test_stats.py",
    "session/state.py": "tests/session/test_session.py",
    "session/hooks.py": "tests/session/test_events.py",
    "server/connection.py": "tests/server/test_places.py",
    "server/output_readers.py": "tests/webrtc/test_inputs_outputs.py",
    "server/protocol_requests.py": "tests/protocols/test_table.py",
    "server/webrtc_protocol.py": "tests/protocols/test_table.py",
    "server/owner.py": "tests/server/test_endpoint.py",
    "server/page_endpoint.py": "tests/test_webrtc.py",
    "server/socket_endpoint.py": "tests/websocket",
    "server/policy.py": "tests/server/test_endpoint.py",
    "server/reservation.py": "tests/webrtc/test_refusals.py",
    "server/resuming.py": "tests/websocket/test_resume.py",
    "server/routes.py": "tests/test_stream.py",
    "server/speaking.py": "tests/webrtc/test_cluster.py",
    "server/startup.py": "tests/test_stream.py",
    "server/stream_endpoint.py": "tests/server/test_endpoint.py",
    "protocols/rtvi/texts.py": "tests/protocols/rtvi/test_channel.py",
    "protocols/whip/protocol.py": "tests/protocols/whip/test_clients.py",
    "protocols/whip/sessions.py": "tests/protocols/whip/test_clients.py",
    "protocols/openai_realtime/": "tests/protocols/openai_realtime",
    "end_of_turn/errors.py": "tests/end_of_turn/test_smart_turn.py",
    "end_of_turn/protocol.py": "tests/end_of_turn/test_smart_turn.py",
    "pacing/suspendable.py": "tests/session/test_resumption.py",
    "pacing/emit_calls.py": "tests/pacing/test_outbound.py",
    "pause_detection/errors.py": "tests/pause_detection/test_silero.py",
    "speech_to_text/protocol.py": "tests/speech_to_text/test_stt_.py",
    "text_to_speech/protocol.py": "tests/text_to_speech/test_tts.py",
    "server/web_socket.py": "tests/test_websocket.py",
    "testing/caller.py": "tests/testing/test_call.py",
    "testing/errors.py": "tests/testing/test_call.py",
    "testing/line.py": "tests/testing/test_memory.py",
    "testing/client_line.py": "tests/testing/test_lines.py",
    "testing/live_line.py": "tests/testing/test_lines.py",
    "testing/twilio.py": "tests/testing/test_lines.py",
    "testing/udp_path.py": "tests/testing/test_tcp_path.py",
    "testing/webrtc.py": "tests/testing/test_lines.py",
    "testing/websocket.py": "tests/testing/test_lines.py",
    "transport/socket/connection.py": "tests/websocket",
    "transport/socket/keys.py": "tests/faults/test_exceptions.py",
    "transport/socket/open_socket.py": "tests/websocket",
    "transport/socket/options.py": "tests/websocket",
    "transport/socket/socket.py": "tests/websocket",
    "transport/socket/states.py": "tests/websocket",
    "transport/socket/events.py": "tests/transport/socket/test_messages.py",
    "transport/telephony/provider.py": "tests/transport/telephony/test_protocol.py",
    "transport/webrtc/dtls_refusal.py": "tests/transport/webrtc/test_diagnosis.py",
    "transport/webrtc/_aiortc/patch.py": "tests/transport/webrtc/_aiortc/test_registry.py",
    "transport/webrtc/_aiortc/port_use.py": "tests/webrtc/test_one_port.py",
    "transport/webrtc/_aiortc/rtp_streams.py": "tests/abuse/test_packets.py",
    "transport/webrtc/_aiortc/process.py": "tests/transport/webrtc/_aiortc/test_ciphers.py",
    "transport/webrtc/_aiortc/samples.py": "tests/transport/webrtc/_aiortc/test_registry.py",
    "transport/webrtc/_aiortc/sctp_work.py": "tests/abuse/test_packets.py",
    "transport/webrtc/_aiortc/work.py": "tests/abuse/test_packets.py",
    "transport/webrtc/channel_messages.py": "tests/webrtc",
    "transport/webrtc/client_peer.py": "tests/client/test_webrtc.py",
    "transport/webrtc/diagnostics.py": "tests/webrtc/test_diagnose.py",
    "transport/webrtc/figures.py": "tests/webrtc/test_stats.py",
    "transport/webrtc/offer.py": "tests/webrtc/test_offers.py",
    "transport/webrtc/peer_media.py": "tests/webrtc",
    "transport/webrtc/peer.py": "tests/webrtc",
    "transport/webrtc/probe.py": "tests/test_cli_connect.py",
    "transport/webrtc/sent_tracks.py": "tests/client/test_webrtc.py",
    "transport/webrtc/second_video.py": "tests/protocols/rtvi/test_clients.py",
    "transport/webrtc/ports/errors.py": "tests/transport/webrtc/ports/test_udp_port.py",
    "transport/webrtc/ports/shared_port.py": "tests/transport/webrtc/ports/test_udp_port.py",
    "turns/dialogue.py": "tests/test_reply_on_pause.py",
    "turns/early_reply.py": "tests/turns/test_end_of_turn.py",
    "turns/events.py": "tests/turns/test_detector.py",
    "turns/say.py": "tests/session/test_speaker.py",
    "turns/face.py": "tests/test_reply_on_pause.py",
    "turns/replies.py": "tests/test_reply_on_pause.py",
    "session/open_turn.py": "tests/session/test_turn_recorder.py",
    "session/turn_callback.py": "tests/session/test_turn_log.py",
    "turns/state_driver.py": "tests/test_reply_on_pause.py",
    "turns/stretch.py": "tests/turns/test_detector.py",
    "turns/turn_events.py": "tests/session/test_turn_log.py",
    "turns/turn_reporter.py": "tests/session/test_turn_log.py",
    "turns/unanswered_speech.py": "tests/turns/test_false_interruptions.py",
    "ui/component.py": "tests/test_webrtc.py",
    "ui/inputs.py": "tests/test_webrtc.py",
    "webrtc_connection_mixin.py": "tests/webrtc",
}
"""Modules and packages that are tested as a whole, through what uses them, and where."""


def modules() -> dict[str, Path]:
    """The modules with code of their own, and where the tests of each belong."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if path.name not in ("__init__.py", "_version.py"):
            found[name] = TESTS / Path(name).parent / f"test_{path.stem.lstrip('_')}.py"
    return found


def place(name: str) -> str | None:
    """Return where the tests of a module are, if not where they belong."""
    return next((to for start, to in ELSEWHERE.items() if name.startswith(start)), None)


@pytest.mark.parametrize("name", modules())
def test_each_module_has_tests(name: str) -> None:
    there = place(name)
    where = TESTS.parent / there if there else modules()[name]
    assert where.exists(), f"write its tests, or say in ELSEWHERE where they are: {where}"


@pytest.mark.parametrize("name", ELSEWHERE)
def test_each_exception_is_one(name: str) -> None:
    named = [where for module, where in modules().items() if module.startswith(name)]
    assert named, "no such module"
    assert not any(where.exists() for where in named), "its tests are where they belong"


def test_only_the_modules_of_fastrtc_are_outside_packages() -> None:
    contract = json.loads((TESTS / "compat/contract.json").read_text(encoding="utf-8"))
    found = {path.stem for path in SOURCE.glob("*.py") if not path.stem.startswith("_")}
    assert {f"fastrtc.{name}" for name in found} <= contract.keys()


def test_there_are_few_packages() -> None:
    assert len([*SOURCE.rglob("__init__.py")]) <= MAX_PACKAGES


def test_no_module_is_long() -> None:
    lines = {
        path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8").count("\n")
        for path in SOURCE.rglob("*.py")
    }
    long = {name: n for name, n in lines.items() if n > LONG.get(name, MAX_LINES)}
    assert long == {}
