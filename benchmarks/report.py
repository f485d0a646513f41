"""Figures to Markdown and to JSON. This module measures nothing."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.measure import Sample

SIDES = ("pip", "floor", "portside")


@dataclass(slots=True)
class Result:
    app: str
    scenario: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def shown(result: Result, side: str) -> str:
    if side in result.failures:
        return "failed"
    walls = [sample.wall for sample in result.samples.get(side, [])]
    if not walls:
        return "-"
    return spread(walls)


def spread(values: Sequence[float]) -> str:
    """The median of durations in seconds, with their range."""
    extremes = f"{seconds(min(values))} to {seconds(max(values))}"
    return f"{seconds(statistics.median(values))} ({extremes})"


def ratios(result: Result, reference: str, side: str = "portside") -> list[float]:
    ours, theirs = result.samples.get(side, []), result.samples.get(reference, [])
    return [our.wall / their.wall for our, their in zip(ours, theirs, strict=False)]


def shown_ratio(result: Result, reference: str, side: str = "portside") -> str:
    found = ratios(result, reference, side)
    return spread_of_ratios(found) if found else "-"


def spread_of_ratios(found: Sequence[float]) -> str:
    """The median of the rounds' ratios, with their range."""
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def shown_memory(result: Result) -> str:
    samples = result.samples.get("portside", [])
    if not samples:
        return "-"
    own, tree = (max(getattr(one, key) for one in samples) for key in ("own_kib", "tree_kib"))
    return f"{own / 1024:.0f} / {tree / 1024:.0f} MiB"


def shown_cpu(result: Result) -> str:
    samples = result.samples.get("portside", [])
    return seconds(statistics.median(one.cpu for one in samples)) if samples else "-"


def table(results: Sequence[Result], titles: Mapping[str, str]) -> str:
    """The Markdown table: medians with their range, and the median of the rounds' ratios."""
    head = (
        "app",
        "scenario",
        "pip",
        "floor",
        "portside",
        "/ pip",
        "/ floor",
        "CPU",
        "peak own / tree",
    )
    rows = [head, ("---",) * len(head)]
    for result in results:
        sides = (shown(result, side) for side in SIDES)
        compared = (shown_ratio(result, reference) for reference in ("pip", "floor"))
        rows.append(
            (
                result.app,
                titles.get(result.scenario, result.scenario),
                *sides,
                *compared,
                shown_cpu(result),
                shown_memory(result),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_json(results: Sequence[Result], *, runs: int, interpreter: str) -> str:
    machine = {"system": platform.platform(), "cpus": os.cpu_count(), "runs": runs}
    rows = [{**asdict(one), "ratios": all_ratios(one)} for one in results]
    document = {"machine": machine, "interpreter": interpreter, "results": rows}
    return json.dumps(document, indent=2) + "\n"


def all_ratios(result: Result) -> dict[str, list[float]]:
    """The ratios to each of the other sides; a result has one side that is portside's."""
    side = next((ours for ours in ("portside", "classic") if ours in result.samples), "portside")
    return {other: ratios(result, other, side) for other in result.samples if other != side}
