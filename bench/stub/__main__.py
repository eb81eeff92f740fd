"""`python -m bench.stub [core]`: says the port it listens on, and serves until its parent is gone."""

import asyncio
import os
import sys

from bench.stub.server import serve


def main() -> None:
    """Serve, on one core where one is named."""
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, {int(sys.argv[1])})
    asyncio.run(_until_the_parent_is_gone())


async def _until_the_parent_is_gone() -> None:
    server = await serve()
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # ends when the parent closes its end
    server.close()


if __name__ == "__main__":
    main()
