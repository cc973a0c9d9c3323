"""What users subclass or pass in, and the one place that runs their code."""
