"""The HTTP routes keep to what their OpenAPI says, whatever is posted (schemathesis)."""

import asyncio
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis import checks as known

from fastrtc import Stream
from fastrtc.server import telephone
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, eventually
from tests.support.servers import serving
from tests.webrtc.handlers import AsyncAudioEcho

EXAMPLES = 30

CHECKS = [
    known.not_a_server_error,
    known.status_code_conformance,
    known.content_type_conformance,
    known.response_headers_conformance,
    known.response_schema_conformance,
]
"""Not whether good data is accepted: that an SDP is one, no schema can say."""


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", ["/webrtc/offer", "/telephone/incoming"])
def test_what_is_answered_is_what_the_schema_says(
    path: str, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telephone, "CONNECTED_TIMEOUT_S", 0)
    stream = Stream(
        AsyncAudioEcho(), modality="audio", verbose=False, server_rtc_configuration=LOCAL
    )
    app = FastAPI()
    stream.mount(app)
    statuses: set[int] = set()
    with serving(app) as url:
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")

        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        @given(schema[path]["POST"].as_strategy(mode))
        def run(case: Case) -> None:
            response = case.call()
            statuses.add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        run()
        if path == "/webrtc/offer":
            assert statuses & ({400, 200} if mode is GenerationMode.POSITIVE else {422})
        else:
            assert 200 in statuses
        registry = connections_of(stream).registry
        asyncio.run(eventually(lambda: not len(registry)))  # a caller keeps a place for 0 s
