"""Whose turn it is to speak: decided on audio time alone, without I/O and without a clock."""
