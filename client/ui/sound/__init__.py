"""Recording and playing: the only users of QtMultimedia."""
