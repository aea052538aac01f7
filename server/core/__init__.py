"""The rules of the server as pure machines and functions: no I/O, no clock, no dice."""
