"""Arrays of audio: dtypes, shapes, sample rates, queues and files, without I/O of their own."""
