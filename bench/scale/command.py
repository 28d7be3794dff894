"""Runs a command and says as JSON what it used: `python bench/scale/command.py LINES COMMAND…`.

With LINES it reads so many lines of its output and closes the pipe, as `head` does. It is a small process of its own,
and run as a file: the most memory that a process is said to have had includes what its parent had when it began.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    lines, command = int(sys.argv[1]), sys.argv[2:]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE if lines else subprocess.DEVNULL)
    if process.stdout:
        read = [process.stdout.readline() for _ in range(lines)]
        assert all(read), f"{command} wrote fewer lines"
        reached = time.perf_counter() - began
        process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    seconds = reached if lines else time.perf_counter() - began
    assert lines or status == 0, f"{command} ended with {os.waitstatus_to_exitcode(status)}"
    found = {"seconds": seconds, "processor": used.ru_utime + used.ru_stime, "mebibytes": used.ru_maxrss / 1024}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
