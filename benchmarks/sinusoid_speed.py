"""How fast the engine is beside its peers, on the same work. Prints Markdown, and JSON on request.

    python benchmarks/sinusoid_speed.py [--inner 1 5] [--rounds 3] [--seconds 2] [--json FILE]

The work: a 1-40-40-1 ReLU net, 25 sinusoid tasks of 10 + 10 points drawn anew each step, second-order
MAML at an inner rate of 0.01, Adam at 1e-3, float32, two threads. Each peer has an environment of its
own, made by uv in a cache folder when first needed, and does it as its users write it
(``benchmarks/peers/``). All begin with the same weights and must reach the same loss on the same tasks.
Then they take turns: a few seconds each, one at a time, three rounds; the ratios are medians of
ratios within a round.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))
from turns import PACKAGES, Worker, measured


def main() -> None:
    """One table for each number of inner steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inner", nargs="+", type=int, default=[1, 5])
    parser.add_argument("--peers", nargs="*", default=list(PACKAGES), choices=list(PACKAGES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    print(
        "| inner steps | | outer steps/s | tsmaml is so many times as fast | time to first step |"
    )
    print("|---|---|---|---|---|")
    found = []
    for inner in given.inner:
        workers = [Worker(peer, f"with_{peer}.py", inner) for peer in ("tsmaml", *given.peers)]
        for row in measured(workers, given.rounds, given.seconds):
            found.append({"inner_steps": inner, **row})
            print(
                f"| {inner} | {row['variant']} | {row['rate']:,.0f} | {row['ratio']:.2f} "
                f"| {row['first_step_seconds']:.1f} s |",
                flush=True,
            )
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
