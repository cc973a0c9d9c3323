"""All uses of private names of aiortc and aioice, one concept per module.

Each use is described by a ``Patch``: its target, every name that it needs, and what is lost without
it. ``registry`` checks all of them once, before the first offer is answered.
"""
