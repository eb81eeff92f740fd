"""`python -m local.fresh`: forget the city on this machine, unless it is running."""

import fcntl
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path


def main(directory: Path = Path(".local")) -> int:
    """Remove all that cities keep in a directory. Returns the exit status: 1 where one of them runs, and then all of it stays."""
    with ExitStack() as held:
        for lock in (*directory.glob("lock"), *directory.glob("*/lock")):
            stream = held.enter_context(lock.open("w"))
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                print(f"A city runs in {lock.parent}. Stop it first, with Ctrl-C; nothing was forgotten.", file=sys.stderr)
                return 1
        if directory.exists():
            shutil.rmtree(directory)
    print("The city is forgotten; make run builds a new one.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
