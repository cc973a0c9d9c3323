"""The error of a missing package."""

import sys

import pytest

import fastrtc
from fastrtc import Stream
from fastrtc.metrics import MetricsExtraMissing
from tests.webrtc.handlers import AsyncAudioEcho


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
