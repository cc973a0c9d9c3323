"""Telephone calls over WebSockets of telephone providers.

A ``Provider`` (``twilio``, ``telnyx``, ``plivo``) reads and writes the messages of one provider;
``protocol`` selects it. ``twiml``, ``address`` and ``signature`` serve the webhook of incoming
calls. Only a program's own ``hang_up`` does I/O.
"""
