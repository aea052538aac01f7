"""Shelves for uploaded files; each passes the same contract suite (`tests/contracts/test_blobs.py`)."""
