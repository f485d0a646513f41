"""Measure the HTTP front beside nginx and haproxy, before the same two Gunicorn processes.

One command: `make bench-router`, or `python benchmarks/router.py`. It needs nginx, haproxy and wrk.
Each round measures every side once, in an order that rotates; a ratio is taken within a
round. The load, the proxies and the web processes share the cores of this machine.

throughput   wrk with 50 and with 500 connections
latency      an open loop at half of what portside took with 50 connections in this run, the
             same rate for all sides; what a side adds is the difference to `direct`, no proxy
memory       of the router, before and after 200,000 requests, and with 2,000 idle WebSockets
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import load, proxies
from benchmarks.proxies import PROXIES, Service, free_port, service

CONNECTIONS = (50, 500)
PERCENTILES = (50, 99)
REQUESTS = 200_000
WEBSOCKETS = 2_000
MIB = 1024
# Web processes have the requests that wrk gave up at its end to answer first.
SETTLE_SECONDS = 1.0


@dataclass(slots=True)
class Figures:
    """What each side did, a value for each round; memory in KiB, latencies in milliseconds."""

    rates: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    latencies: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    late: dict[str, list[float]] = field(default_factory=dict)
    rate: float = 0.0
    failed: dict[str, int] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    load_average: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """The web processes and the proxies before them."""

    apps: tuple[Service, ...]
    sides: dict[str, Service]


@contextmanager
def stage(home: Path) -> Iterator[Stage]:
    with ExitStack() as stack:

        def start(name: str, command: Sequence[str | Path], port: int) -> Service:
            return stack.enter_context(service(home, name, command, port))

        apps = []
        for number in (1, 2):
            port = free_port()
            apps.append(start(f"gunicorn-{number}", proxies.gunicorn(home, port), port))
        sides = {}
        for name, command in PROXIES.items():
            port = free_port()
            sides[name] = start(name, command(home, port, [app.port for app in apps]), port)
        yield Stage(tuple(apps), sides)


def rounds(number: int, sides: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield every side once a round, in an order that rotates."""
    for at in range(number):
        turn = at % len(sides)
        for side in (*sides[turn:], *sides[:turn]):
            time.sleep(SETTLE_SECONDS)
            yield at, side


def measure_throughput(stage: Stage, options: argparse.Namespace, figures: Figures) -> None:
    for connections in CONNECTIONS:
        by_side = figures.rates.setdefault(connections, {})
        for at, side in rounds(options.rounds, tuple(stage.sides)):
            progress(f"{connections} connections, round {at + 1}/{options.rounds}, {side}")
            result = load.saturate(stage.sides[side].port, connections, options.seconds)
            by_side.setdefault(side, []).append(result.rate)
            count_failed(figures, side, result.failed)


def measure_latency(stage: Stage, options: argparse.Namespace, figures: Figures) -> None:
    figures.rate = statistics.median(figures.rates[CONNECTIONS[0]]["portside"]) / 2
    ports = {name: [side.port] for name, side in stage.sides.items()}
    ports["direct"] = [app.port for app in stage.apps]
    for at, side in rounds(options.rounds, tuple(ports)):
        progress(f"{figures.rate:.0f} requests/s, round {at + 1}/{options.rounds}, {side}")
        result = load.at_rate(ports[side], figures.rate, options.seconds)
        count_failed(figures, side, result.failed)
        figures.late.setdefault(side, []).append(max(result.late) * 1000)
        for percent in PERCENTILES:
            of_side = figures.latencies.setdefault(percent, {}).setdefault(side, [])
            of_side.append(result.percentile(percent))


def measure_requests(home: Path, options: argparse.Namespace, figures: Figures) -> None:
    """Take the memory over many requests, to web processes that cost next to nothing."""
    app_port, port = free_port(), free_port()
    app = service(home, "nginx-app", proxies.nginx_app(home / "app", app_port), app_port)
    router = service(home, "router", proxies.portside(home, port, [app_port] * 2), port)
    with app, router as running:
        load.saturate(port, CONNECTIONS[0], options.seconds)
        figures.memory["after the first seconds"] = resident(running.pid)
        done = 0
        while done < options.requests:
            result = load.saturate(port, CONNECTIONS[0], options.seconds * 2)
            done += result.requests
            count_failed(figures, "portside", result.failed)
            progress(f"{done} requests, {resident(running.pid) / MIB:.1f} MiB")
        figures.memory[f"{done:,} requests later"] = resident(running.pid)


def measure_websockets(home: Path, figures: Figures) -> None:
    app_port, port = free_port(), free_port()
    program = [sys.executable, load.__file__, str(app_port)]
    app = service(home, "echo", program, app_port)
    router = service(home, "router", proxies.portside(home, port, [app_port]), port)
    with app, router as running:
        figures.memory["before WebSockets"] = resident(running.pid)

        async def idle() -> None:
            writers = await load.open_websockets(port, WEBSOCKETS)
            await asyncio.sleep(5)
            figures.memory[f"with {len(writers):,} idle WebSockets"] = resident(running.pid)
            for writer in writers:
                writer.close()

        asyncio.run(idle())


def count_failed(figures: Figures, side: str, number: int) -> None:
    figures.failed[side] = figures.failed.get(side, 0) + number


def resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def spread(values: Sequence[float], form: str) -> str:
    shown = [format(value, form) for value in (statistics.median(values), min(values), max(values))]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def compared(
    by_side: dict[str, list[float]], reference: str, how: Callable[[float, float], float]
) -> dict[str, list[float]]:
    """Each side compared with the reference, within a round."""
    return {
        side: [how(*pair) for pair in zip(values, by_side[reference], strict=True)]
        for side, values in by_side.items()
    }


def rate_rows(figures: Figures) -> Iterator[tuple[str, ...]]:
    yield "connections", "side", "requests/s", "/ nginx"
    for connections, by_side in figures.rates.items():
        ratios = compared(by_side, "nginx", lambda ours, theirs: ours / theirs)
        for side, values in by_side.items():
            yield str(connections), side, spread(values, ".0f"), spread(ratios[side], ".2f")


def latency_rows(figures: Figures) -> Iterator[tuple[str, ...]]:
    yield "percentile", "side", "ms", "added, ms"
    for percent, by_side in figures.latencies.items():
        differences = compared(by_side, "direct", lambda ours, theirs: ours - theirs)
        for side, values in by_side.items():
            yield str(percent), side, spread(values, ".2f"), spread(differences[side], ".2f")


def memory_rows(figures: Figures) -> Iterator[tuple[str, ...]]:
    yield "router's memory", "MiB"
    for when, kib in figures.memory.items():
        yield when, f"{kib / MIB:.1f}"


def table(rows: Iterator[tuple[str, ...]]) -> str:
    head, *rest = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rest))


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the router beside nginx and haproxy.")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=float, default=8, metavar="S", help="of one measurement")
    parser.add_argument("--requests", type=int, default=REQUESTS, metavar="N")
    parser.add_argument("--only", action="append", choices=("speed", "requests", "websockets"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))


def main() -> int:
    options, figures = parse_options(), Figures()
    only = options.only or ("speed", "requests", "websockets")
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="portside-bench-") as folder:
        home = Path(folder)
        if "speed" in only:
            with stage(home) as everything:
                measure_throughput(everything, options, figures)
                measure_latency(everything, options, figures)
        if "requests" in only:
            measure_requests(home, options, figures)
        if "websockets" in only:
            measure_websockets(home, figures)
    figures.load_average = os.getloadavg()
    for rows in (rate_rows, latency_rows, memory_rows):
        print(table(rows(figures)), end="\n\n")
    print(f"rate of the latencies: {figures.rate:.0f}/s; failed: {figures.failed}")
    late = {side: f"{max(values):.1f} ms" for side, values in figures.late.items()}
    print(f"sent late by at most: {late}")
    print(f"load average: {figures.load_average}; {platform.platform()}, {os.cpu_count()} cores")
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return 1 if any(figures.failed.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
