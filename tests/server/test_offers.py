"""The route of offers: what it takes, in what order it looks, and what it says about itself."""

from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException

from fastrtc.core.errors import SessionRefused
from fastrtc.server.offers import OFFER_RESPONSES, offer_route

REFUSED = {"status": "failed", "meta": {"error": "unauthorized"}}


def app_of(asked: list[str], *, refuses: bool = False, most: int = 100, **options: Any) -> FastAPI:
    app = FastAPI(**options)

    async def ask(request: Any) -> SessionRefused | None:
        asked.append(request.url.path)
        return SessionRefused("unauthorized") if refuses else None

    async def offer(body: dict[str, Any]) -> Any:
        return body

    route = offer_route(ask, lambda: most)
    app.router.add_api_route(
        "/offer", offer, methods=["POST"], responses=OFFER_RESPONSES, route_class_override=route
    )
    return app


async def post(app: FastAPI, **request: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        return await http.post("/offer", **request)


async def test_a_request_goes_through_as_it_is():
    asked: list[str] = []
    response = await post(app_of(asked), json={"a": 1})
    assert (response.status_code, response.json(), asked) == (200, {"a": 1}, ["/offer"])


async def test_a_refused_client_gets_an_answer_and_its_body_is_not_read():
    response = await post(app_of([], refuses=True), content=b"{")
    assert (response.status_code, response.json()) == (200, REFUSED)


async def test_one_that_says_it_is_too_large_is_not_asked_about():
    asked: list[str] = []
    response = await post(app_of(asked), content=b"x" * 101)
    assert response.status_code == 413 and asked == []
    assert response.json() == {"detail": "The request has more than 100 bytes"}
    assert (await post(app_of(asked), content=b'"' + b"x" * 98 + b'"')).status_code == 422


@pytest.mark.parametrize("length", ["5", "-5", "many", "\N{SUPERSCRIPT TWO}", "9" * 5000])
async def test_one_that_lies_about_its_length_is_counted(length: str):
    headers = {b"content-length": length.encode("latin-1")}
    response = await post(app_of([]), content=b"x" * 101, headers=headers)
    assert response.status_code == 413


async def test_dependencies_of_the_app_are_kept():
    def never() -> None:
        raise HTTPException(401)

    response = await post(app_of([], dependencies=[Depends(never)]), json={})
    assert response.status_code == 401


def test_the_schema_has_all_answers():
    schema = app_of([]).openapi()
    answers = schema["paths"]["/offer"]["post"]["responses"]
    assert {"200", "400", "413", "422"} == set(answers)
    kinds = answers["200"]["content"]["application/json"]["schema"]["anyOf"]
    assert [kind["$ref"].rpartition("/")[2] for kind in kinds] == [
        "OfferAnswer",
        "CandidateAccepted",
        "Refusal",
    ]
