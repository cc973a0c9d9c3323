"""The dicts of a stream follow its connections."""

from types import SimpleNamespace
from typing import Any

from fastrtc import Stream
from fastrtc.server.tables import Tables
from fastrtc.webrtc_connection_mixin import WebRTCConnectionMixin


def connection(channel: Any = None) -> Any:
    return SimpleNamespace(
        id="me",
        session=SimpleNamespace(handler="handler"),
        callbacks=["callback"],
        transport=SimpleNamespace(channel=channel),
    )


def made(kind: type[Stream] = Stream) -> tuple[Stream, Tables]:
    stream = kind(lambda frame: frame, modality="video", mode="send-receive")
    return stream, Tables(stream, WebRTCConnectionMixin.clean_up)


def test_a_connection_is_in_the_dicts_until_it_has_ended() -> None:
    stream, tables = made()
    tables.changed(connection())
    assert stream.handlers == {"me": "handler"}
    assert stream.connections == {"me": ["callback"]}
    assert stream.data_channels == stream.pcs == {}

    tables.changed(connection("channel"))
    assert stream.data_channels == {"me": "channel"}

    tables.ended("me")
    assert stream.handlers == stream.connections == stream.data_channels == {}


def test_what_a_program_added_stays_until_the_connection_has_ended() -> None:
    stream, tables = made()
    stream.pcs["me"] = "its own"  # type: ignore[assignment]
    tables.changed(connection())
    assert stream.pcs == {"me": "its own"}
    tables.ended("me")
    assert stream.pcs == {}


def test_a_clean_up_of_the_program_is_called_and_ours_is_not() -> None:
    called = []

    class Mine(Stream):
        def clean_up(self, webrtc_id: str) -> list[Any]:
            called.append(webrtc_id)
            return []

    made(Mine)[1].ending("me")
    made()[1].ending("another")
    assert called == ["me"]
