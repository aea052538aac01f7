"""The client: a pure core, a shell, adapters, and two front ends: the window and the harness."""
