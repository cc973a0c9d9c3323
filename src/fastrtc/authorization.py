"""Who may connect: the program's own word on each request, before anything is done for it."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeAlias

from fastapi import HTTPException, Request, WebSocket
from starlette.concurrency import run_in_threadpool

from .core.errors import SessionRefused, Unauthorized
from .core.failures import as_exception, contained
from .core.seldom import Seldom
from .handlers.invoke import is_async

__all__ = ["Authorize", "refusal_of"]

logger = logging.getLogger(__name__)

Authorize: TypeAlias = Callable[[Request | WebSocket], Any]
"""Gets the request or the WebSocket. Returns None or True to let it in; False, or a text with the
reason, to refuse it; or raises ``Unauthorized``. Sync or async."""

_failures = Seldom()


async def refusal_of(
    authorize: Authorize | None, request: Request | WebSocket | None
) -> SessionRefused | None:
    """Ask whether a request may go on.

    An async function is awaited in the context of the caller: what it puts into a
    ``ContextVar`` is there in the ``copy()`` of the handler. A sync one runs in a thread.

    Args:
        authorize: The program's function; without one everybody is let in.
        request: The request; None, if it is not known, is refused.

    Returns:
        The refusal, or None.
    """
    if authorize is None:
        return None
    try:
        if request is None:
            raise RuntimeError("there is no request to show to authorize: is Gradio too old?")
        verdict = await contained("authorize", _ask(authorize, request))
    except Unauthorized as refused:
        verdict = refused.reason or False
    except HTTPException as refused:  # as FastAPI's own ways to log in raise it
        verdict = str(refused.detail)
    except Exception as error:
        _failures.log(logger.error, "authorize failed, the request is refused", exc_info=error)
        verdict = False
    if verdict is None or verdict is True:
        return None
    reason = {"reason": verdict} if isinstance(verdict, str) and verdict else {}
    return SessionRefused("unauthorized", **reason)


def _call(authorize: Authorize, request: Request | WebSocket) -> Any:
    try:
        return authorize(request)
    except Exception:
        raise
    except BaseException as error:
        raise as_exception("authorize", error) from error


async def _ask(authorize: Authorize, request: Request | WebSocket) -> None | bool | str:
    if is_async(authorize):
        verdict = authorize(request)
    else:
        verdict = await run_in_threadpool(_call, authorize, request)
    if inspect.isawaitable(verdict):
        verdict = await verdict
    if verdict is not None and not isinstance(verdict, bool | str):
        raise TypeError(
            f"authorize must return None, True, False or a text, not {type(verdict).__name__}"
        )
    return verdict
