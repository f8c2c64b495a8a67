"""How fast the engine meta-trains a forecasting net beside JAX. Prints Markdown, and JSON on request.

    python benchmarks/forecasting_speed.py [--algorithms maml anil ridge] [--rounds 3] [--json FILE]

The net is N-BEATS of four blocks of three layers of 128 units, input 48, horizon 12; 64 tasks of 16
support and 4 query windows drawn anew each step, one inner step (``ridge``: solved), Adam, float32, two
threads. Both begin with the same weights and must reach the same loss on the same tasks; then they take
turns. Rates are tasks a second; the peak memory is that of each process.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))
from forecasting import TASKS
from turns import Worker, measured

ALGORITHMS = ("maml", "anil", "ridge")


def main() -> None:
    """A row for each algorithm and peer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algorithms", nargs="+", default=ALGORITHMS, choices=ALGORITHMS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    print("| | | tasks/s | tsmaml is so many times as fast | first step | peak memory |")
    print("|---|---|---|---|---|---|")
    found = []
    for name in given.algorithms:
        workers = [Worker(peer, f"forecast_{peer}.py", name) for peer in ("tsmaml", "jax")]
        for row in measured(workers, given.rounds, given.seconds):
            found.append({"algorithm": name, **row})
            print(
                f"| `{name}` | {row['variant']} | {TASKS * row['rate']:,.0f} | {row['ratio']:.2f} "
                f"| {row['first_step_seconds']:.1f} s | {row['peak_megabytes']:,.0f} MB |",
                flush=True,
            )
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
