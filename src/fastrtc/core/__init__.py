"""Words that every other layer uses; knows the standard library and numpy only."""
