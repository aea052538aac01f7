"""Doorbells: notices whose loss is harmless, because the log backs them."""
