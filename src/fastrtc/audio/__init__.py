"""Audio arrays: dtypes, shapes, resampling, queues and file formats. No network, no threads."""
