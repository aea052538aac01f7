"""Where the world comes in: HTTP and the WebSocket, on one port."""
