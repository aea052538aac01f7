"""Questions to the person, each in a small window of its own."""
