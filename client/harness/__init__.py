"""The client without a screen: JSON lines for tests, bots and load; one message from a shell; a puppet to drive it."""
