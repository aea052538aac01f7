"""A server's address as people write it, made one spelling."""

from __future__ import annotations

from urllib.parse import urlsplit

from protocol.problems import AddressInvalid

SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def server_url(address: str) -> str:
    """`http://host:port` for `host:port` and for the same with a scheme. Raises AddressInvalid."""
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise AddressInvalid(address=address) from None
    if parts.scheme not in SCHEMES or not parts.hostname or port == 0 or parts.path.strip("/"):
        raise AddressInvalid(address=address)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{SCHEMES[parts.scheme]}://{host}{'' if port is None else f':{port}'}"
