"""Commands that serve a shop."""

from pathlib import Path

import click

from wares.cli import common
from wares.cli.common import careful, cli, from_extra, shop_argument


@cli.command()
@shop_argument
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes; all share the build's memory.",
)
def serve(shop: Path, host: str, port: int, workers: int) -> None:
    """Serve SHOP over REST, with a page to look at."""
    common.open_folder(shop)  # what is wrong with the shop is said here, not in a worker
    serve_shop(shop, host, port, workers)


def serve_shop(shop: Path, host: str, port: int, workers: int) -> None:
    """Serve until interrupted."""
    server = from_extra("serve", lambda: __import__("wares.api", fromlist=["serve"]))
    careful()
    server.serve(shop, host=host, port=port, workers=workers)


def check_free(host: str, port: int) -> None:
    """Say that the port is busy before a long build, not after it."""
    server = from_extra("serve", lambda: __import__("wares.api", fromlist=["check_port"]))
    server.check_port(host, port)
