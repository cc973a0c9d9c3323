"""The TLS contexts of clients: created once, and as strict as those of the packages."""

import ssl
from pathlib import Path

import certifi
import pytest

from fastrtc.client.signaling import Signaling
from fastrtc.client.tls import http_context, socket_context


async def test_clients_share_a_context_that_verifies_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, other = http_context(), socket_context()
    for context in (first, other):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
    assert first.cert_store_stats()["x509_ca"] > 50

    def create(*args: object, **options: object) -> ssl.SSLContext:
        raise AssertionError("the context is created again")

    with monkeypatch.context() as patch:
        patch.setattr(ssl, "create_default_context", create)
        async with Signaling("https://server.example", {}):
            assert http_context() is first
        assert socket_context() is other

    file = tmp_path / "one.pem"
    write_one_certificate(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert http_context().cert_store_stats()["x509_ca"] == 1
    assert socket_context() is not other


def write_one_certificate(file: Path) -> None:
    text = Path(certifi.where()).read_text(encoding="utf-8")
    end = "-----END CERTIFICATE-----\n"
    file.write_text(text[text.index("-----BEGIN") : text.index(end)] + end)
