"""The part of ``Stream`` for telephone calls, except the WebSocket that carries them."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from .endpoint import endpoint_of

__all__ = ["TelephoneLines"]


class TelephoneLines:
    """The part of ``Stream`` for telephone calls."""

    async def handle_incoming_call(self, request: Request) -> Response:
        """Answer the webhook of an incoming telephone call with TwiML.

        The call is connected to the ``/telephone/handler`` with the same prefix as the calling
        route; a place is reserved for it for 10 s. If no place is free, the caller hears a message.

        Raises:
            PhoneExtraMissing: If ``fastrtc[phone]`` is not installed.
        """
        response: Response = await endpoint_of(self).answer_call(request)
        return response

    def call_parameters(self, call_sid: str) -> dict[str, str]:
        """Return the custom parameters that the program's own TwiML has to contain.

        With a ``twilio_auth_token``, a call is accepted only if its TwiML was written for it: by
        ``/telephone/incoming``, or with these in ``<Parameter>`` elements of its ``<Stream>``.
        They are valid for one connection within a minute.

        Args:
            call_sid: The ``CallSid`` in Twilio's request to the program's webhook.

        Returns:
            Values by name; none without a ``twilio_auth_token``.

        Raises:
            ValueError: If ``call_sid`` is empty or not a string.
        """
        if not isinstance(call_sid, str) or not call_sid:
            raise ValueError(f"call_sid must be the CallSid of a call, not {call_sid!r}")
        return dict(endpoint_of(self).telephone.call_parameters(call_sid))

    def fastphone(
        self, token: str | None = None, host: str = "127.0.0.1", port: int = 8000, **kwargs: Any
    ) -> None:
        """Serve the stream on a temporary phone number, through the FastPhone service.

        Starts a server, opens a tunnel, prints the number and the code for callers, and accepts
        calls until Ctrl-C.

        Args:
            token: A Hugging Face token; by default the one stored on this machine.
            host: The address to listen on.
            port: The port to listen on.
            **kwargs: Options of uvicorn; or ``service``, a
                ``fastrtc.server.fastphone.FastPhoneService`` with other addresses of the service.

        Raises:
            httpx.HTTPStatusError: If the service refuses.
            httpx.TransportError: If it cannot be reached.
            RuntimeError: In Google Colab or a Hugging Face Space without ``rtc_configuration``.
            OSError: If the port is in use.
        """
        from .fastphone import serve

        stream: Any = self
        stream._check_colab_or_spaces()
        serve(stream, endpoint_of(self).telephone, token, host, port, **kwargs)
