"""The options of a cluster: what is accepted, and what the environment adds."""

from typing import Any

import pytest

from fastrtc import Cluster, Stream
from fastrtc.server.cluster.memory import MemoryDirectory
from fastrtc.server.cluster.options import resolve_cluster, split_address

SECRET = "0123456789abcdef"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "url or directory"),
        ({"url": "sqlite:///x", "directory": MemoryDirectory}, "url or directory"),
        ({"url": 1}, "url"),
        ({"url": "postgres://db"}, "postgres"),
        ({"url": "/path/to/file"}, "sqlite:///path"),
        ({"url": "sqlite:///"}, "path"),
        ({"url": "sqlite:"}, "path"),
        ({"url": "sqlite://path/to/file"}, "three slashes"),
        ({"url": "redis://"}, "host"),
        ({"directory": 1}, "directory"),
        ({"url": "sqlite:x", "secret": "short"}, "secret"),
        ({"url": "sqlite:x", "secret": 1234567890123456}, "secret"),
        ({"url": "sqlite:x", "address": ""}, "address"),
        ({"url": "sqlite:x", "address": "unix:"}, "address"),
        ({"url": "sqlite:x", "address": "host:port"}, "address"),
        ({"url": "sqlite:x", "address": "host:70000"}, "address"),
        ({"url": "sqlite:x", "address": "http://host"}, "address"),
        ({"url": "sqlite:x", "heartbeat_s": 0}, "heartbeat_s"),
        ({"url": "sqlite:x", "lost_after_s": True}, "lost_after_s"),
        ({"url": "sqlite:x", "heartbeat_s": 3.0}, "lost_after_s"),
    ],
)
def test_invalid_options_are_named(options: dict[str, Any], named: str):
    with pytest.raises(ValueError, match=f"^Cluster.*{named}"):
        Cluster(**options)


def test_no_error_and_no_repr_shows_a_secret():
    with pytest.raises(ValueError) as error:
        Cluster("mysql://user:password@host")
    assert "password" not in str(error.value)
    assert SECRET not in repr(Cluster("sqlite:x", secret=SECRET))


@pytest.mark.parametrize("cluster", [1, b"sqlite:///x", "mysql://x", ["redis://x"]])
def test_a_stream_refuses_what_is_no_cluster(cluster: Any):
    with pytest.raises(ValueError, match="luster"):
        Stream(lambda frame: frame, modality="video", cluster=cluster)


def test_a_stream_keeps_what_it_was_created_with():
    options = Cluster("sqlite:///x")
    assert Stream(lambda frame: frame, cluster=options, verbose=False).cluster is options
    assert Stream(lambda frame: frame, cluster="redis://x", verbose=False).cluster == "redis://x"
    assert Stream(lambda frame: frame, verbose=False).cluster is None


@pytest.mark.parametrize("total_limit", [0, -1, True, "2", 1.5])
def test_a_stream_refuses_an_invalid_total_limit(total_limit: Any):
    with pytest.raises(ValueError, match="total_limit"):
        Stream(lambda frame: frame, total_limit=total_limit)


@pytest.mark.parametrize(
    ("url", "path"), [("sqlite:///a/b.db", "/a/b.db"), ("sqlite:////a/b.db", "//a/b.db")]
)
def test_the_path_of_an_sqlite_file(url: str, path: str):
    assert Cluster(url).path == path


def test_a_relative_path_becomes_absolute(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert Cluster("sqlite:calls.db").path == str(tmp_path / "calls.db")


def test_the_environment_fills_in_what_is_not_given():
    variables = {
        "FASTRTC_CLUSTER": "redis://redis:6379/0",
        "FASTRTC_CLUSTER_SECRET": SECRET,
        "FASTRTC_CLUSTER_ADDRESS": "10.0.0.2:7000",
    }
    assert resolve_cluster(None, {}) is None
    options = resolve_cluster(None, variables)
    assert options == Cluster("redis://redis:6379/0", secret=SECRET, address="10.0.0.2:7000")
    own = Cluster("sqlite:///x", secret="another secret 123", address="127.0.0.1")
    assert resolve_cluster(own, variables) == own
    assert resolve_cluster("sqlite:///x", {}) == Cluster("sqlite:///x")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"FASTRTC_CLUSTER": "nowhere"}, "FASTRTC_CLUSTER='nowhere'"),
        ({"FASTRTC_CLUSTER": "sqlite:x", "FASTRTC_CLUSTER_SECRET": "x"}, "FASTRTC_CLUSTER_SECRET"),
        ({"FASTRTC_CLUSTER": "sqlite:x", "FASTRTC_CLUSTER_ADDRESS": ":"}, "FASTRTC_CLUSTER_ADDR"),
        ({"FASTRTC_CLUSTER": "redis://x"}, "FASTRTC_CLUSTER_SECRET"),
    ],
)
def test_an_invalid_variable_is_named(variables: dict[str, str], named: str):
    with pytest.raises(ValueError, match=named):
        resolve_cluster(None, variables)


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("10.0.0.2", "10.0.0.2", 0),
        ("10.0.0.2:7000", "10.0.0.2", 7000),
        ("host", "host", 0),
        ("::1", "::1", 0),
        ("[::1]", "::1", 0),
        ("[::1]:7000", "::1", 7000),
        ("host:x", "host", -1),
    ],
)
def test_an_address_has_a_host_and_a_port(address: str, host: str, port: int):
    assert split_address(address) == (host, port)
