"""One worker process of the server: `python -m wares.api.worker FOLDER CHANNEL`."""

import asyncio
import logging
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from wares.api.app import create
from wares.api.server import READY
from wares.errors import WaresError
from wares.later import quick_start
from wares.memory import settle_down

_BATCH = 64  # connections taken off the channel at once


class Worker(uvicorn.Server):
    """A uvicorn server that listens nowhere: its connections come, already accepted, over a channel from the parent."""

    def __init__(self, config: uvicorn.Config, channel: socket.socket) -> None:
        super().__init__(config)
        self.channel = channel

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts the application and tells the parent so."""
        await super().startup(sockets=[])
        settle_down()
        self.channel.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[Any]] = set()
        self._loop.add_reader(self.channel, self._take)
        self.channel.send(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the answers under way."""
        self._loop.remove_reader(self.channel)
        await super().shutdown(sockets=[])

    def _take(self) -> None:
        try:
            word, descriptors, _, _ = socket.recv_fds(self.channel, _BATCH, _BATCH)
        except BlockingIOError:
            return
        if not word:  # the parent has closed the channel, or is gone
            self._loop.remove_reader(self.channel)
            self.should_exit = True
        for descriptor in descriptors:
            connection = socket.socket(fileno=descriptor)
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._open(connection))
            self._opening.add(task)  # the loop itself keeps no hold on a task
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        kind: Any = self.config.http_protocol_class  # one of several classes, made as uvicorn makes them
        protocol = partial(
            kind,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        await self._loop.connect_accepted_socket(protocol, connection)


def main(folder: Path, channel: socket.socket) -> None:
    """Serves a shop folder to what comes over the channel."""
    quick_start()
    from wares.shop import open_shop

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    shop = open_shop(folder)
    shop.watch()
    config = uvicorn.Config(
        create(shop),
        access_log=False,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    Worker(config, channel).run()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])))
    except WaresError as error:  # the shop's mistake, not ours: said without a traceback
        sys.exit(f"error: {error}")
