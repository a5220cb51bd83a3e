"""The demo shop served: how long an answer takes under a closed loop of eight clients, and how many are given a second.

The real server, two workers on two cores; the clients are another process, so both share the machine. 2,000 distinct
questions of each kind, reasons on, no cache of answers anywhere: similar, recommend (half of them known shoppers, half
baskets of two to four products; half may repeat) and hybrid search with filters, counting every facet. Each client
waits for its answer before it asks again, over one connection it keeps.

`--shop FOLDER` serves a demo shop that is built already; without it one is built.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import polars as pl

from benchmarks.harness import Row, command, in_process, run_command

QUESTIONS, CLIENTS, WORKERS, ROUNDS, GOAL = 2_000, 8, 2, 3, 15.0


def run(data: Path) -> Iterator[Row]:
    """How long does an answer of the served demo shop take, for eight clients at once?"""
    with TemporaryDirectory(prefix="wares-serve-") as name:
        folder = Path(os.environ.get("WARES_SHOP", "")) if os.environ.get("WARES_SHOP") else Path(name) / "shop"
        if not (folder / "builds").is_dir():
            run_command([sys.executable, "-m", "wares.cli", "demo", str(folder), "--no-serve"])
        asked = questions(folder)
        plan = Path(name) / "questions.json"
        plan.write_text(json.dumps(asked))
        yield from _served(folder, plan, list(asked))


def _served(folder: Path, plan: Path, kinds: Sequence[str]) -> Iterator[Row]:
    settings = {"questions": QUESTIONS, "clients": CLIENTS, "workers": WORKERS, "k": 10, "rounds": ROUNDS}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = [sys.executable, "-m", "wares.cli", "serve", str(folder), "--port", str(port), "--workers", str(WORKERS)]
    process = subprocess.Popen(server, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if str(port) not in process.stdout.readline():
            raise RuntimeError("the server did not start; see what it printed")
        # The kinds in turn, round after round: a busy moment of the machine hurts all alike.
        found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind in kinds:
                before = _spent(process.pid)
                one = in_process("benchmarks.serve:loop", port, str(plan), kind).result
                # The few questions that warm up are in it.
                one["server"] = (_spent(process.pid) - before) / one["asked"] * 1000
                found[kind].append(one)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    for kind, rounds in found.items():
        yield _row(kind, rounds, settings)


def _spent(process: int) -> float:
    """Seconds of processor time of a process and its children; as Linux counts them."""
    numbers = [process, *map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]
    # After the name in parentheses, the 12th and 13th field are ticks in the program and in the kernel for it.
    stats = [Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split() for number in numbers]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def _row(kind: str, rounds: Sequence[dict[str, Any]], settings: dict[str, Any]) -> Row:
    """The median round by p99; every round is told."""
    middle = sorted(rounds, key=lambda one: one["p99"])[len(rounds) // 2]
    return Row(
        work=f"{kind}, {CLIENTS} clients",
        metric="p99, ms",
        ours=middle["p99"],
        quality={
            "p50 ms": middle["p50"],
            "answers a second": middle["per_second"],
            "p99 under": GOAL,
            "hits an answer": middle["hits"],
            "answers with reasons": middle["reasons"],
            "processor ms an answer, server": middle["server"],
            "processor ms an answer, clients": middle["clients"],
        },
        runs={name: [one[name] for one in rounds] for name in ("p99", "p50", "per_second", "server", "clients")},
        settings=settings,
    )


# -- what is asked ---------------------------------------------------------------------------------------------------


def questions(folder: Path) -> dict[str, list[str]]:
    """Paths to ask, no two alike, of each kind; drawn with one seed from what the shop holds."""
    draw = np.random.default_rng(0)
    products = pl.read_parquet(
        folder / "data" / "products.parquet", columns=["id", "title", "brand", "category", "price"]
    )
    ids = draw.permutation(products["id"].to_numpy())
    shoppers = draw.permutation(
        pl.scan_parquet(folder / "data" / "events.parquet").select("shopper").unique().collect().to_numpy()[:, 0]
    )
    return {
        "similar": [f"/api/similar/{quote(id, safe='')}?k=10" for id in ids[:QUESTIONS]],
        "recommend": _recommend(draw, ids, shoppers),
        "search": _search(draw, products),
    }


def _recommend(draw: np.random.Generator, ids: np.ndarray, shoppers: np.ndarray) -> list[str]:
    half = QUESTIONS // 2
    known = [{"shopper": one, "repeats": str(place % 2 == 1).lower()} for place, one in enumerate(shoppers[:half])]
    baskets = [
        {"basket": json.dumps(draw.choice(ids, draw.integers(2, 5), replace=False).tolist())}
        for _ in range(QUESTIONS - len(known))
    ]
    both = [*known, *baskets]
    return [f"/api/recommend?{urlencode({**both[place], 'k': 10})}" for place in draw.permutation(len(both))]


def _search(draw: np.random.Generator, products: pl.DataFrame) -> list[str]:
    """One to three words of a title, under a filter that keeps the product they come from."""
    made: dict[str, None] = {}
    while len(made) < QUESTIONS:
        one = products.row(int(draw.integers(len(products))), named=True)
        words = [word for word in str(one["title"]).replace(",", " ").split() if word.isalpha()]
        if not words or one["price"] is None or one["category"] is None:
            continue
        start, length = int(draw.integers(len(words))), int(draw.integers(1, 4))
        narrow = (
            {"price_lte": round(one["price"] * 2, 2)},
            {"category": one["category"].split(" > ")[0]},
            {"brand": one["brand"], "price_gte": 0.5} if one["brand"] else {"price_gte": 0.5},
        )[int(draw.integers(3))]
        made[f"/api/search?{urlencode({'q': ' '.join(words[start : start + length]), **narrow, 'k': 10})}"] = None
    return list(made)


# -- the clients -----------------------------------------------------------------------------------------------------


def loop(port: int, plan: str, kind: str) -> dict[str, float]:
    """All questions of a kind, by eight clients that share the list; runs in a process of its own."""
    paths = json.loads(Path(plan).read_text())[kind]
    warm = paths[:: len(paths) // 16]
    asyncio.run(_ask_all(port, warm))  # what is opened at first use is not what is measured
    start, worked = time.perf_counter(), time.process_time()
    clients = asyncio.run(_ask_all(port, paths))
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    times = np.array([one for client in clients for one in client.times]) * 1000
    bodies = [json.loads(body) for client in clients for body in client.bodies]
    hits = [hit for body in bodies for hit in body["hits"]]
    return {
        "p50": float(np.percentile(times, 50)),
        "p99": float(np.percentile(times, 99)),
        "worst": float(times.max()),
        "per_second": len(times) / seconds,
        "asked": len(warm) + len(times),
        "clients": worked / len(times) * 1000,
        "hits": len(hits) / len(bodies),
        "reasons": sum(bool(hit["reasons"]) for hit in hits) / max(len(hits), 1),
    }


async def _ask_all(port: int, paths: Sequence[str]) -> list["_Client"]:
    loop = asyncio.get_running_loop()
    clients = [_Client(paths[turn::CLIENTS], loop.create_future()) for turn in range(CLIENTS)]
    for client in clients:
        await loop.create_connection(partial(_itself, client), "127.0.0.1", port)
    await asyncio.gather(*(client.done for client in clients))
    return clients


def _itself(client: "_Client") -> "_Client":
    return client


class _Client(asyncio.Protocol):
    """One connection that asks one question after the other.

    Written on the bare protocol: a library's client takes longer for one answer than the server does.
    """

    def __init__(self, paths: Sequence[str], done: "asyncio.Future[None]") -> None:
        self.paths, self.done = iter(paths), done
        self.times: list[float] = []
        self.bodies: list[bytes] = []
        self.got, self.start = b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        path = next(self.paths, None)
        if path is None:
            self.transport.close()
            self.done.set_result(None)
            return
        self.start = time.perf_counter()
        self.transport.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            return
        self.times.append(time.perf_counter() - self.start)
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(f"{head[:60]!r}: {body[:300]!r}"))
            self.transport.close()
            return
        self.bodies.append(body)
        self.got = b""
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("the server closed the connection"))


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--shop", type=Path, help="a demo shop that is built already")
    given, sys.argv[1:] = options.parse_known_args()
    if given.shop:
        os.environ["WARES_SHOP"] = str(given.shop)
    command(run)
