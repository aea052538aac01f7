"""The demo: a fresh server and two people who need no screen; six packets for every message."""
