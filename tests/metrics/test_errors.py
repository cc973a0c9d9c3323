"""The errors of a missing package, and of something that is no stream."""

import sys
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider

import fastrtc
from fastrtc import Stream
from fastrtc.metrics import MetricsExtraMissing
from fastrtc.server.attachment import endpoint_of
from tests.webrtc.handlers import AsyncAudioEcho


@pytest.mark.parametrize("function", ["prometheus", "trace"])
@pytest.mark.parametrize("other", [None, "stream", FastAPI()])
def test_something_else_than_a_stream(function: str, other: Any) -> None:
    with pytest.raises(TypeError, match=rf"{function}\(\) .* a Stream, not "):
        getattr(fastrtc.metrics, function)(other)


@pytest.mark.parametrize(
    ("function", "options", "problem"),
    [
        ("prometheus", {"registry": 3}, "registry must be a CollectorRegistry or None, not 3"),
        ("prometheus", {"authorize": 3}, "authorize must be a function .* or None, not 3"),
        ("prometheus", {"authorize": False}, "authorize must be .* not False"),
        ("trace", {"tracer_provider": 3}, "tracer_provider must be a TracerProvider or None, not"),
        ("trace", {"tracer_provider": TracerProvider}, "tracer_provider must be"),
        ("trace", {"texts": "no"}, "texts must be True or False, not 'no'"),
    ],
)
def test_invalid_options(function: str, options: dict[str, Any], problem: str) -> None:
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False)
    with pytest.raises(TypeError, match=problem):
        getattr(fastrtc.metrics, function)(stream, **options)
    hooks = endpoint_of(stream).hooks
    assert not hooks.monitors and not hooks.turn_listeners, "it is not measured by halves"


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
