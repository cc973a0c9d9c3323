"""Mutated requests and offers of each protocol: own errors, and the sessions live on."""

import random
from collections.abc import Iterator

import pytest

from tests.fuzz.faces import OFFER, REQUESTS, Faces, offer_of
from tests.fuzz.mutations import mutate_lines

MUTATIONS = 8
"""Of each request: `make fuzz` makes some hundred thousand, guided by coverage."""


@pytest.fixture
def faces() -> Iterator[Faces]:
    faces = Faces()
    yield faces
    faces.close()


def test_requests(faces: Faces) -> None:
    for request in REQUESTS:
        faces.run(request)
        for seed in range(MUTATIONS):
            faces.run(mutate_lines(request, REQUESTS, random.Random(seed)))


def test_further_offers_of_a_connection(faces: Faces) -> None:
    for kinds in ((), ("video",), ("audio", "application")):
        offers = [OFFER, offer_of("audio", "video", "video", "application", *kinds)]
        faces.renegotiate("====\n".join(offers))
        for seed in range(MUTATIONS):
            faces.renegotiate(mutate_lines("====\n".join(offers), offers, random.Random(seed)))
