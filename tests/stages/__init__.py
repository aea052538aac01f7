"""One small window per bubble, page and dialog, to look at and to take pictures of."""
