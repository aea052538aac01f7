"""What the widgets show, as Qt models: they send wishes to the shell and draw what comes back."""
