"""The client's machines: pure; they import `protocol` and nothing else."""
