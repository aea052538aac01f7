"""Where the truth is kept: one transaction of the contract per method, durable when it returns."""
