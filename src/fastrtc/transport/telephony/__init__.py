"""Telephone calls: what providers send over a WebSocket, and what they are answered.

A provider's messages are read and written by a ``Provider`` (``twilio``, ``telnyx``,
``plivo``); ``protocol`` tells them apart. ``twiml``, ``address`` and ``signature`` are what the
webhook of an incoming call needs. Nothing in here does I/O but a program's own ``hang_up``.
"""
