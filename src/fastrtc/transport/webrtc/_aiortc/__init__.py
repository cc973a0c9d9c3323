"""All uses of private names of aiortc and aioice, one concept per module.

Each use is described by a ``Patch``: its target, all names that it needs, and the consequence of
its absence. ``registry`` checks all of them once, before the first offer is answered.
"""
