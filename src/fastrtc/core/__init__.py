"""Types, errors and helpers shared by all layers. Needs only the standard library and numpy."""
