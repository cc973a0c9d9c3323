"""The errors of a missing package, and of something that is no stream."""

import sys
from typing import Any

import pytest
from fastapi import FastAPI

import fastrtc
from fastrtc import Stream
from fastrtc.metrics import MetricsExtraMissing
from tests.webrtc.handlers import AsyncAudioEcho


@pytest.mark.parametrize("function", ["prometheus", "trace"])
@pytest.mark.parametrize("other", [None, "stream", FastAPI()])
def test_something_else_than_a_stream(function: str, other: Any) -> None:
    with pytest.raises(TypeError, match=rf"{function}\(\) .* a Stream, not "):
        getattr(fastrtc.metrics, function)(other)


@pytest.mark.parametrize(
    ("function", "module", "package"),
    [
        ("prometheus", "prometheus_client", "prometheus-client"),
        ("trace", "opentelemetry.trace", "opentelemetry-api"),
    ],
)
def test_it_names_the_extra(
    function: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False)
    with pytest.raises(MetricsExtraMissing, match=rf"{package} .*fastrtc\[metrics\]"):
        getattr(fastrtc.metrics, function)(stream)
