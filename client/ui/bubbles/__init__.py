"""Messages on the canvas: one painter per kind, one delegate for all of them."""
