"""Which protocols a stream is mounted with."""

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from fastrtc.core.errors import SessionRefused
from fastrtc.protocols import table
from fastrtc.server.endpoint import endpoint_of
from fastrtc.server.protocol_requests import status_of
from fastrtc.server.webrtc_protocol import OWN, protocol_of
from fastrtc.stream import Stream


def paths(app: FastAPI) -> list[str]:
    return [route.path for route in app.router.routes if isinstance(route, Route)] + [
        route.path for route in app.router.routes if type(route).__name__ == "APIWebSocketRoute"
    ]


def mounted(**options) -> FastAPI:
    app = FastAPI()
    Stream(lambda frame: frame, verbose=False).mount(app, "/a", **options)
    return app


def test_without_the_option_a_stream_has_its_own_routes():
    assert paths(mounted()) == paths(mounted(protocols=["fastrtc", "fastrtc"]))
    assert "/a/webrtc/offer" in paths(mounted())


def test_a_protocol_is_loaded_and_adds_its_routes(monkeypatch: pytest.MonkeyPatch):
    given = []

    def routes(endpoint, path):
        given.append(endpoint)
        return [Route(f"{path}/other", lambda request: None)]

    monkeypatch.setitem(table.MODULES, "other", "other.routes")
    monkeypatch.setattr(table, "import_module", lambda name: type("Module", (), {"routes": routes}))
    app = FastAPI()
    stream = Stream(lambda frame: frame, verbose=False)
    stream.mount(app, "/a", protocols=["other"])
    assert given == [endpoint_of(stream)]
    assert "/a/other" in paths(app)
    assert "/a/webrtc/offer" not in paths(app)


@pytest.mark.parametrize("protocols", ["fastrtc", [], ["sip"], [None], [["fastrtc"]], None, 5])
def test_other_values_are_an_error(protocols):
    with pytest.raises(ValueError, match="protocol"):
        mounted(protocols=protocols)


def test_a_protocol_that_another_process_has_is_refused():
    assert protocol_of({}, "fastrtc") is OWN
    with pytest.raises(SessionRefused) as refused:
        protocol_of({}, "whip")
    assert status_of(refused.value) == 503
    assert status_of(SessionRefused("unauthorized")) == 401
    assert status_of(SessionRefused("something_else")) == 400
