"""Messages of a session, and what an RTVI client gets."""

import json
from typing import Any

import pytest

from fastrtc.core.messages import create_message, end_message, error_message, warning_message
from fastrtc.protocols.rtvi.outgoing import MAX_CALLS, Outgoing


def sent(outgoing: Outgoing, message: Any) -> list[dict[str, Any]]:
    text = message if isinstance(message, str) else json.dumps(message)
    return [json.loads(one) for one in outgoing.translate(text)]


def test_messages_of_the_program() -> None:
    outgoing = Outgoing()
    for message in ({"type": "cart", "data": [1]}, [1, 2], {"type": 7}, {"type": "log", "x": 1}):
        (one,) = sent(outgoing, message)
        assert (one["type"], one["data"]) == ("server-message", message)
    assert sent(outgoing, "no JSON")[0]["data"] == "no JSON"
    assert sent(outgoing, warning_message("careful"))[0]["data"]["data"] == "careful"


@pytest.mark.parametrize("type", ["log", "fetch_output", "transcript", "turn"])
def test_messages_for_other_clients_are_dropped(type: str) -> None:
    assert sent(Outgoing(), create_message(type, "x")) == []


def test_errors_and_the_end() -> None:
    outgoing = Outgoing()
    (error,) = sent(outgoing, error_message("no"))
    assert error["type"] == "error" and error["data"]["error"] == "no"
    assert not error["data"]["fatal"] and not outgoing.ended
    assert sent(outgoing, error_message("no", "error"))[0]["data"]["fatal"]
    assert sent(outgoing, end_message("elsewhere", "replaced")) == [] and not outgoing.ended
    told, left = sent(outgoing, end_message("enough", "time_limit"))
    assert told["data"] == {"type": "end_stream", "data": "enough", "code": "time_limit"}
    assert left["message"] == {"type": "peerLeft"} and outgoing.ended


def test_results_of_methods() -> None:
    outgoing = Outgoing()
    outgoing.expect("a", "add")
    outgoing.expect("b", "fail")
    outgoing.expect("c", "gone")
    outgoing.forget("c")
    (answer,) = sent(outgoing, {"type": "result", "id": "a", "data": 3})
    assert (answer["type"], answer["id"]) == ("server-response", "a")
    assert answer["data"] == {"t": "add", "d": 3}
    assert sent(outgoing, {"type": "result", "id": "a", "data": 3}) == [answer]  # sent again
    (failed,) = sent(outgoing, {"type": "result", "id": "b", "error": "no"})
    assert (failed["type"], failed["data"]) == ("error-response", {"error": "no"})
    assert sent(outgoing, {"type": "result", "id": "c"})[0]["type"] == "server-message"
    for k in range(2 * MAX_CALLS):
        outgoing.expect(str(k), "x")
    assert sent(outgoing, {"type": "result", "id": "0"})[0]["type"] == "server-message"


def test_calls_of_functions_of_the_client() -> None:
    outgoing = Outgoing()
    for data, arguments in (({"a": 1}, {"a": 1}), (None, {}), ([1], {"data": [1]})):
        call = {"type": "call", "id": "server-1", "name": "show", "data": data}
        started, made = sent(outgoing, call)
        assert started["type"] == "llm-function-call-started"
        assert started["data"] == {"function_name": "show"}
        assert made["type"] == "llm-function-call-in-progress"
        assert made["data"]["function_name"] == "show"
        assert made["data"]["tool_call_id"] == "server-1"
        assert made["data"]["arguments"] == arguments
    stopped = json.loads(outgoing.function_stopped("server-1", [1]))
    assert stopped["type"] == "llm-function-call-stopped"
    known = {"tool_call_id": "server-1", "cancelled": False, "result": [1]}
    assert stopped["data"] == {**known, "function_name": "show"}
    again = json.loads(outgoing.function_stopped("server-1", [1]))
    assert again["data"] == known  # the name is forgotten


def test_calls_whose_result_is_not_awaited_any_more() -> None:
    outgoing = Outgoing()
    sent(outgoing, {"type": "call", "id": "server-1", "name": "show", "data": None})
    dropped = {"type": "call_dropped", "id": "server-1"}
    (stopped,) = sent(outgoing, dropped)
    assert stopped["type"] == "llm-function-call-stopped"
    assert stopped["data"] == {
        "tool_call_id": "server-1",
        "function_name": "show",
        "cancelled": True,
    }
    assert sent(outgoing, dropped)[0]["data"] == stopped["data"]  # sent again
    for other in ({**dropped, "id": "server-2"}, {"type": "call_dropped"}):  # of the program
        assert sent(outgoing, other)[0]["type"] == "server-message"
