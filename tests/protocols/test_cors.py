"""Which pages may read the responses of the routes."""

from fastrtc.core.identity import Headers
from fastrtc.protocols.cors import cors_headers
from fastrtc.transport.cross_site import SitePolicy

APP = "https://app.example.org"
POLICY = SitePolicy([APP])


def of(origin: str | None, policy: SitePolicy = POLICY, **options: bool) -> dict[str, str]:
    given = {"host": "api.example.net"} | ({} if origin is None else {"origin": origin})
    return cors_headers(Headers(given.items()), policy, "POST, OPTIONS", **options)


def test_origins_that_the_program_names() -> None:
    found = of(APP)
    assert found["Access-Control-Allow-Origin"] == APP and found["Vary"] == "Origin"
    assert "Location" in found["Access-Control-Expose-Headers"]
    asked = of(APP, preflight=True)
    assert asked["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert "If-Match" in asked["Access-Control-Allow-Headers"]
    assert of("https://any.example.com", SitePolicy(["*"]))


def test_no_other_origins() -> None:
    assert of("https://evil.example.com") == of(None) == {}
    assert of("https://evil.example.com", preflight=True) == {}
    assert of(APP, SitePolicy(None)) == {}
