"""Images for the page."""

import base64
from pathlib import Path

import pytest

from fastrtc.ui.icon import image_address

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


def test_a_file_becomes_part_of_the_page(tmp_path: Path):
    (tmp_path / "phone.svg").write_bytes(SVG)
    encoded = base64.b64encode(SVG).decode()
    assert image_address(str(tmp_path / "phone.svg")) == f"data:image/svg+xml;base64,{encoded}"


@pytest.mark.parametrize(
    "url",
    ["https://example.com/a.png", "data:image/png;base64,AA==", "/static/phone.svg", "/a.png"],
)
def test_an_address_stays(url: str):
    assert image_address(url) == url


def test_a_file_that_is_not_there():
    with pytest.warns(UserWarning, match=r"neither a URL nor an existing file: 'phone\.svg'"):
        assert image_address("phone.svg") is None


def test_a_path_that_is_not_there_may_be_an_address_of_the_server(tmp_path: Path):
    missing = str(tmp_path / "phone.svg")
    with pytest.warns(UserWarning, match=r"no such file: .*phone\.svg"):
        assert image_address(missing) == missing


def test_a_file_that_is_no_image(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.warns(UserWarning, match="icon must be an image"):
        address = image_address(str(tmp_path / "notes.txt"))
    assert address == "data:text/plain;base64,eA=="
