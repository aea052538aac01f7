"""The shell around the core: it moves values, and decides nothing."""
