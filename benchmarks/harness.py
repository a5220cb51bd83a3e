"""What every benchmark shares: rows, interleaved timing, memory of a call, the machine, one command line.

from benchmarks.harness import Row, command, interleave, needs, optional

def run(data: Path) -> Iterator[Row]:
    \"\"\"How fast is the one thing?\"\"\"
    source = needs(data, "online_retail/transactions.csv.gz")
    peer = optional("implicit")
    times = interleave({"ours": ..., "implicit": peer and ...}, runs=5)
    yield Row.timed("one thing of 10,000 rows", times, quality={"recall": 0.97})

if __name__ == "__main__":
    command(run)
"""

import argparse
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Literal, Self

ABSENT = "not installed"
"""Stands as a peer's value where its package is missing: a row says so and is never dropped."""

OURS = "ours"


class MissingData(Exception):
    """A data set the benchmark needs is not in the folder given."""


@dataclass(kw_only=True)
class Row:
    """One thing measured.

    work : what was done, on how much. metric : what the numbers are, with the unit. ours : our value. peers : theirs;
    a text where a peer could not be measured. ratio : how many times better ours is than each peer, so more is better
    whatever the metric. spread : the least and the greatest such ratio of the runs. quality : what the work was worth
    (recall, inertia …), for each. runs : every single measurement. settings : what it was measured with.
    """

    work: str
    metric: str
    ours: float | str | None
    peers: Mapping[str, float | str] = field(default_factory=dict)
    ratio: Mapping[str, float] = field(default_factory=dict)
    spread: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    runs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def timed(
        cls,
        work: str,
        times: Mapping[str, Sequence[float]],
        *,
        metric: str = "seconds, median",
        quality: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Self:
        """A row from what `interleave` returned: medians, and the ratio of the runs that stood side by side."""
        ours = times[OURS]
        peers: dict[str, float | str] = {}
        ratio, spread = {}, {}
        for name, theirs in times.items():
            if name == OURS:
                continue
            peers[name] = statistics.median(theirs) if theirs else ABSENT
            if theirs:
                pairs = [b / a for a, b in zip(ours, theirs, strict=True)]
                ratio[name], spread[name] = statistics.median(pairs), (min(pairs), max(pairs))
        return cls(
            work=work,
            metric=metric,
            ours=statistics.median(ours),
            peers=peers,
            ratio=ratio,
            spread=spread,
            quality=quality or {},
            runs={name: list(each) for name, each in times.items()},
            settings=settings or {},
        )

    @classmethod
    def compared(
        cls,
        work: str,
        metric: str,
        ours: float,
        peers: Mapping[str, float | str],
        *,
        better: Literal["more", "less"],
        **rest: Any,
    ) -> Self:
        """A row from single values; `better` says which way the metric goes."""
        ratio = {
            name: ours / value if better == "more" else value / ours
            for name, value in peers.items()
            if isinstance(value, (int, float)) and value and ours
        }
        return cls(work=work, metric=metric, ours=ours, peers=peers, ratio=ratio, **rest)


def needs(data: Path, name: str) -> Path:
    """The path of a data set inside the folder given by `--data`. Raises MissingData naming it."""
    path = data / name
    if not path.exists():
        raise MissingData(f"data set {name!r} is not in {data}; give the folder that holds it with --data")
    return path


def optional(module: str) -> Any:
    """A peer's module, or None where its package is not installed (`pip install 'wares[bench]'`)."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise  # the peer is there but broken: that must be seen
        print(f"peer {module!r} is not installed; its column says so (pip install 'wares[bench]')", file=sys.stderr)
        return None


def interleave(calls: Mapping[str, Callable[[], Any] | None], runs: int = 5, warmup: int = 1) -> dict[str, list[float]]:
    """Seconds of each call, `runs` of them, taken in turn (A B A B …) so that a busy moment hurts all alike.

    A call that is None (a missing peer) gets an empty list. Warm-up rounds are not counted: they compile and page in.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(warmup + runs):
        for name, call in calls.items():
            if call is None:
                continue
            gc.collect()
            start = time.perf_counter()
            call()
            if turn >= warmup:
                times[name].append(time.perf_counter() - start)
    return times


# -- memory and commands ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """A call or command that ran in its own process: seconds, peak resident memory in MB, and what it returned."""

    seconds: float
    peak_mb: float
    result: Any


def peak_mb() -> float:
    """The greatest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss survives exec and would show the parent's memory; VmHWM is this program's own.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def in_process(target: str, *arguments: Any) -> Measured:
    """Run `"module:function"` in a fresh interpreter with JSON arguments; its result must be JSON too.

    The time is that of the call alone, the memory that of the whole process. Raises RuntimeError with its last words.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.harness", target, json.dumps(arguments)], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{target} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def run_command(argv: Sequence[str], *, allow: Sequence[int] = (0,), **options: Any) -> Measured:
    """Run a command and wait; seconds of wall time, peak memory of its largest process, result = its output.

    The kernel counts the memory from before the program starts too, so nothing below this process (some 100 MB) shows.

    Raises RuntimeError, with the end of its output, where the exit code is not among `allow`.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        list(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options
    )
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode not in allow:
        raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}: {output.strip()[-2000:]}")
    unit = 1024 if sys.platform == "linux" else 2**20
    return Measured(seconds, usage.ru_maxrss / unit, output)


def disk_mb(folder: Path) -> float:
    """What a folder holds, in MB; a file linked twice counts once."""
    seen: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            seen[stat.st_dev, stat.st_ino] = stat.st_blocks * 512
    return sum(seen.values()) / 2**20


# -- the machine -----------------------------------------------------------------------------------------------------


def blas() -> list[str]:
    """The BLAS and thread library each loaded package runs, with its kernel: as threadpoolctl sees them now."""
    from threadpoolctl import threadpool_info

    out = []
    for each in threadpool_info():
        package = Path(each["filepath"]).parent.name
        kernel = each.get("architecture") or each["internal_api"]
        out.append(f"{package}: {each['prefix']} {each['version'] or ''} {kernel}, {each['num_threads']} threads")
    return sorted(set(out))


def machine() -> dict[str, Any]:
    """Processor, cores, memory, Python, versions of the packages a number depends on, BLAS kernels."""
    telling: tuple[str, ...] = (
        "numpy",
        "scipy",
        "scikit-learn",
        "numba",
        "polars",
        "usearch",
        "onnxruntime",
        "implicit",
        "tantivy",
    )
    telling += ("bm25s", "faiss-cpu", "pynndescent", "hnswlib", "fastapi", "wares", "torch")
    found = {each.metadata["Name"]: each.version for each in distributions()}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found[name] for name in telling if name in found},
        "blas": blas(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        return names[0] if names else platform.processor()
    return platform.processor()


# -- the command line ------------------------------------------------------------------------------------------------


def command(run: Callable[[Path], Iterable[Row]]) -> None:
    """The command of one benchmark: `--data FOLDER --out FILE.json`.

    Rows are kept as they come, so a data set missing half-way costs only what needs it. Exit code 2 where one is.
    """
    module = sys.modules["__main__"].__spec__
    name = module.name.rpartition(".")[2] if module else Path(sys.argv[0]).stem
    question = (run.__doc__ or sys.modules["__main__"].__doc__ or "").strip().splitlines()
    options = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=" ".join(question))
    options.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    options.add_argument("--out", type=Path, help="the JSON file to write")
    given = options.parse_args()
    about = machine()
    rows, missing = [], None
    start = time.perf_counter()
    try:
        for row in run(given.data):
            rows.append(row)
            print(_line(row), flush=True)
    except MissingData as error:
        missing = str(error)
        print(f"benchmarks.{name}: {missing}", file=sys.stderr)
    about["blas"] = blas()  # only now is every library loaded
    print(f"machine: {about['processor']}, {about['cores']} cores, load {about['load_before']} before the start")
    for each in about["blas"]:
        print(f"  {each}")
    if given.out and rows:
        report = {
            "benchmark": name,
            "question": " ".join(question),
            "seconds": round(time.perf_counter() - start, 1),
            "missing": missing,
            "machine": about,
            "rows": [_rounded(asdict(row)) for row in rows],
        }
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    if missing:
        raise SystemExit(2)


def _rounded(value: Any) -> Any:
    """The same JSON with five significant digits: results are kept in the repository, small and easy to compare."""
    if isinstance(value, dict):
        return {str(key): _rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(each) for each in value]
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _line(row: Row) -> str:
    def show(value: Any) -> str:
        return f"{value:,.4g}" if isinstance(value, (int, float)) else str(value)

    peers = "; ".join(
        f"{name} {show(value)}" + (f" (ours {row.ratio[name]:.2f}x better)" if name in row.ratio else "")
        for name, value in row.peers.items()
    )
    quality = f"  [{', '.join(f'{k} {show(v)}' for k, v in row.quality.items())}]" if row.quality else ""
    return f"{row.work} | {row.metric}: ours {show(row.ours)}" + (f"; {peers}" if peers else "") + quality


def _serve_in_process() -> None:
    """What `in_process` starts: argv is the target and its arguments as JSON."""
    target, arguments = sys.argv[1], json.loads(sys.argv[2])
    module, _, name = target.partition(":")
    call = getattr(import_module(module), name)
    start = time.perf_counter()
    result = call(*arguments)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "result": result}))


if __name__ == "__main__":
    _serve_in_process()
