"""Uploads one file with tuspy, as a program of its own; see `clients.Order`. Prints a JSON line for each part."""

from __future__ import annotations

import json
import sys
from contextlib import closing

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage


def say(**facts: object) -> None:
    """To whoever started it."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main(order: dict[str, object]) -> None:
    """Go on where an earlier run stopped, if there was one."""
    client = TusClient(str(order["url"]), headers={"Authorization": f"Bearer {order['token']}"})
    with closing(FileStorage(str(order["memory"]))) as memory:
        uploader = client.uploader(
            str(order["path"]),
            chunk_size=int(str(order["part_bytes"])),
            metadata=order["metadata"],
            store_url=True,
            url_storage=memory,
            upload_checksum=bool(order["careful"]),
            retries=5,
            retry_delay=0,
        )
        say(begins=uploader.offset)
        while uploader.offset < uploader.get_file_size():
            uploader.upload_chunk()
            say(at=uploader.offset)
            if order["waits_at"] and uploader.offset >= int(str(order["waits_at"])):
                sys.stdin.read()
        say(url=uploader.url)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
