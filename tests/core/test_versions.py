"""Versions of clients and servers."""

import logging
from collections.abc import Iterator

import pytest

from fastrtc import __version__
from fastrtc.core import versions
from fastrtc.core.versions import CLIENT_VERSION, check_server_version, read_client_version

TOLD = {"server_version": __version__}


@pytest.fixture(autouse=True)
def _own_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(versions, "__version__", "0.1.0")
    monkeypatch.setattr(versions, "_reported", set())
    TOLD["server_version"] = "0.1.0"
    yield


def read(version: object) -> dict[str, str]:
    return read_client_version({"client_version": version})


def test_a_client_that_tells_no_version_is_told_none() -> None:
    assert read_client_version({"sdp": "v=0"}) == {}


@pytest.mark.parametrize("version", [None, 1, "", "1", "new", "1.0\n", "1." + "0" * 100, "x1.0"])
def test_what_is_no_version_is_ignored(version: object, caplog: pytest.LogCaptureFixture) -> None:
    assert read(version) == {}
    check_server_version({"server_version": version})
    assert not caplog.records


@pytest.mark.parametrize("version", ["0.1.0", "0.1.12", "0.1.0.dev3+g123"])
def test_a_version_that_fits_is_answered(version: str, caplog: pytest.LogCaptureFixture) -> None:
    assert read(version) == TOLD
    check_server_version({"server_version": version})
    assert not caplog.records


def test_another_version_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    for version in ("0.2.0", "1.1.0", "0.2.0", "0.10.0"):
        assert read(version) == TOLD
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3
    assert caplog.messages[0] == (
        "A client has version 0.2.0 of fastrtc, but the server has 0.1.0: not all may work, so "
        "use the same one"
    )


def test_from_1_0_on_only_the_major_version_matters(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(versions, "__version__", "1.2.0")
    read("1.9.3")
    assert not caplog.records
    check_server_version({"server_version": "2.0.0"})
    check_server_version({"server_version": "2.0.0"})
    assert caplog.messages == [
        "The server has version 2.0.0 of fastrtc, but the client has 1.2.0: not all may work, so "
        "use the same one"
    ]


def test_clients_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(100):
        read(f"7.{number}.0")
    assert len(caplog.records) == versions.MAX_REPORTED


def test_the_own_client_tells_its_version() -> None:
    assert CLIENT_VERSION["client_version"] == __version__
