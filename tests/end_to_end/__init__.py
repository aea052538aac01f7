"""Real processes on the loopback: a server, and people without a screen."""
