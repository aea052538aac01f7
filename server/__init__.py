"""The server: a pure core, a shell, stores, routes, doors. It keeps what it took until every device has it."""
