"""The calls that a node receives: requests for its connections that reached another node.

Each function runs on the node that owns the connection, and none makes calls itself.
"""

from __future__ import annotations

import logging
import pickle
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...core.diagnosis import Diagnosis
from ...core.errors import SessionRefused
from ...core.identity import Identity, current_identity
from ...core.outputs import AdditionalOutputs
from ...core.stats import ConnectionStats
from ...transport.webrtc.candidates import parse_candidate
from ...transport.webrtc.ice_targets import Place, client_place
from ..answering import add_candidate, connect
from ..connection_stats import local_stats
from ..endpoint import Endpoint, call_key
from .calls import call
from .remote_speech import WAIT_S, say_here, wait_here

if TYPE_CHECKING:
    from ..page_endpoint import PageEndpoint
    from ..stream_endpoint import StreamEndpoint

__all__: list[str] = []

logger = logging.getLogger(__name__)

CALL = call_key("")

OFFER_TIMEOUT_S = 30.0
"""How long the answer to a forwarded offer may take, in seconds: ``rtc_configuration`` and
``start_up`` are code of the program."""

OUTPUTS_TIMEOUT_S = 20.0
"""How long the owner waits for the next outputs, in seconds, before it answers that there are none
yet."""


MAX_PAGE_OUTPUTS_BYTES = 8 << 20
"""Size of the outputs that one answer to a page has, in bytes, if it has more than one."""


@call("offer", timeout_s=OFFER_TIMEOUT_S, for_owner=False)
async def offer(
    endpoint: Endpoint,
    id: str,
    sdp: Any,
    metadata: Mapping[str, Any],
    protocol: str,
    options: Mapping[str, Any] | None,
    place: Place,
    identity: Identity,
) -> dict[str, Any]:
    """Answer an offer of a client that reached a node without a free place."""
    client_place.set(place)
    current_identity.set(identity)
    try:
        set_outputs = endpoint.owner.set_additional_outputs(id)
        return await connect(endpoint, id, sdp, set_outputs, metadata, protocol, options)
    except SessionRefused:
        if endpoint.cluster is not None:
            await endpoint.cluster.pass_on_candidates(id)
        raise


@call("candidate")
async def candidate(endpoint: Endpoint, id: str, value: Any) -> None:
    """Add a trickled candidate."""
    await add_candidate(endpoint, id, parse_candidate(value))


@call("set_input")
async def set_input(endpoint: Endpoint, id: str, *args: Any) -> None:
    """Set the inputs of a handler."""
    endpoint.set_input(id, args)


@call("set_page_input")
async def set_page_input(endpoint: Endpoint, id: str, value: Any, *args: Any) -> None:
    """Set the inputs of a handler to those of a page."""
    endpoint.set_page_input(value, args)


@call("requested_input")
async def requested_input(endpoint: Endpoint, id: str, value: Any, *args: Any) -> None:
    """Set the inputs of a handler to those that a page sends on request."""
    if endpoint.expects(value):
        endpoint.set_page_input(value, args)


@call("submit_input")
async def submit_input(endpoint: Endpoint, id: str, value: Any, *args: Any) -> None:
    """Set the inputs of a handler to submitted text, and trigger a reply."""
    endpoint.set_page_input(value, args)
    endpoint.trigger_response(id)


@call("say")
async def say(endpoint: Endpoint, id: str, token: str, encoded: Any, interruptible: bool) -> bool:
    """Say something; return that it will be played."""
    media = endpoint.media(id)
    return media is not None and say_here(media, token, encoded, interruptible=interruptible)


@call("said", timeout_s=WAIT_S + 5.0)
async def said(endpoint: Endpoint, id: str, token: str) -> str:
    """Wait for the end of what was said; see ``wait_here``."""
    media = endpoint.media(id)
    return "interrupted" if media is None else await wait_here(media, token)


@call("interrupt")
async def interrupt(endpoint: Endpoint, id: str) -> None:
    """Interrupt the output of a connection."""
    media = endpoint.media(id)
    if media is not None:
        media.interrupt()


@call("update_connection")
async def update_connection(endpoint: Endpoint, id: str, desired_state: str) -> None:
    """Ask a client to change its connection."""
    endpoint.update_connection(id, desired_state)


@call("clean_up")
async def clean_up(endpoint: Endpoint, id: str) -> None:
    """End a connection."""
    endpoint.end(id)


@call("end_attempt")
async def end_attempt(endpoint: Endpoint, id: str) -> None:
    """End a connection that is not established, as its client uses a WebSocket instead."""
    endpoint.places.end_attempt(id)
    if endpoint.cluster is not None and id not in endpoint.places:
        await endpoint.cluster.release_now(id)  # the WebSocket may have the same id


@call("close")
async def close(endpoint: Endpoint, id: str, reason: str) -> bool:
    """End a connection with a reason for its client."""
    return endpoint.end(id, reason, tell=True)


@call("diagnose")
async def diagnose(endpoint: Endpoint, id: str) -> Diagnosis:
    """Return the state of a connection."""
    return endpoint.diagnose_local(id)


@call("stats")
async def stats(endpoint: Endpoint, id: str) -> ConnectionStats:
    """Return the figures of a connection."""
    return local_stats(endpoint, id)


@call("outputs", timeout_s=OUTPUTS_TIMEOUT_S + 5.0, for_owner=False)
async def outputs(endpoint: Endpoint, id: str, reader: str, received: int) -> tuple[bool, Any]:
    """Wait for the next outputs of a connection, for a reader on another node.

    Returns:
        Whether more may follow, and the outputs; None if there are none yet.
    """
    membership = endpoint.cluster
    if membership is None:
        return False, None
    return await membership.readers.read(id, reader, received, OUTPUTS_TIMEOUT_S)


@call("end_outputs", for_owner=False)
async def end_outputs(endpoint: Endpoint, id: str, reader: str, received: int) -> None:
    """End a reader on another node; another reader gets what it has not received."""
    if endpoint.cluster is not None:
        endpoint.cluster.readers.end(reader, received)


@call("connected", for_owner=False)
async def connected(endpoint: Endpoint, id: str) -> None:
    """Let the readers that wait for a connection know that another node has it now."""
    endpoint.outputs.expire(id)
    if endpoint.cluster is not None:
        endpoint.cluster.readers.connected(id)


@call("release_call", for_owner=False)
async def release_call(endpoint: StreamEndpoint, id: str) -> None:
    """Free the place that was reserved for a telephone call, as it has reached another node."""
    endpoint.calls.release(id.removeprefix(CALL))
    if endpoint.cluster is not None:
        await endpoint.cluster.release_call(id.removeprefix(CALL), None)


@call("page_outputs", for_owner=False)
async def page_outputs(endpoint: PageEndpoint, id: str, event: int) -> list[AdditionalOutputs]:
    """Remove and return the outputs that wait for an event of a page on another node.

    Large ones are not returned all at once. The page is notified of each, and asks again.
    """
    waiting: deque[AdditionalOutputs] = endpoint.outputs_events[event].waiting(id)
    taken: list[AdditionalOutputs] = []
    size = 0
    while waiting:
        try:
            size += len(pickle.dumps(waiting[0], pickle.HIGHEST_PROTOCOL))
        except Exception as error:
            logger.error("Outputs cannot be sent to the process of the page: %s", error)
            waiting.popleft()
            continue
        if taken and size > MAX_PAGE_OUTPUTS_BYTES:
            break
        taken.append(waiting.popleft())
    return taken
