"""So many readers of a page at once: `python readers.py ADDRESS COUNT`, until it is killed, or for ten minutes.

Each has a connection of its own and fetches one page again and again, as the page's script does.
"""

import http.client
import random
import sys
import threading
import time
from urllib.parse import urlsplit

EVERY = 3.0  # seconds
PATHS = ("/", "/jobs", "/jobs?phase=Succeeded", "/map", "/events", "/spending")
LONGEST = 600.0  # seconds


def read(host: str, path: str, ends_at: float) -> None:
    connection, tag = http.client.HTTPConnection(host, timeout=60), ""
    time.sleep(random.uniform(0, EVERY))
    while time.monotonic() < ends_at:
        try:
            connection.request("GET", path, headers={"If-None-Match": tag} if tag else {})
            answer = connection.getresponse()
            answer.read()
            tag = answer.headers.get("ETag", "")
        except (OSError, http.client.HTTPException):
            connection.close()
        time.sleep(EVERY)


def main() -> None:
    host, count, ends_at = urlsplit(sys.argv[1]).netloc, int(sys.argv[2]), time.monotonic() + LONGEST
    threads = [
        threading.Thread(target=read, args=(host, PATHS[number % len(PATHS)], ends_at), daemon=True)
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
