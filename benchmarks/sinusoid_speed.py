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
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

PEERS = {
    "jax": ["jax", "optax"],
    "torch_func": ["torch", "numpy"],
    "torchopt": ["torch", "torchopt", "numpy"],
    "higher": ["torch", "higher", "numpy"],
}
HERE = Path(__file__).parent / "peers"


def interpreter(peer: str) -> str:
    """Python of a peer's environment, which is made if it is not there."""
    if peer == "tsmaml":
        return sys.executable
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    python = cache / "tsmaml-peers" / peer / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "-q", str(python.parents[1])], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "-p", str(python), *PEERS[peer]], check=True)
    return str(python)


class Worker:
    """A peer at work in its own process, waiting for its turn."""

    def __init__(self, peer: str, inner: int) -> None:
        # Threads that spin while they wait would take the cores from the one whose turn it is.
        environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "2"}
        command = [interpreter(peer), str(HERE / f"with_{peer}.py"), str(inner)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.variants: dict[str, dict[str, float]] = {}
        while (line := self.process.stdout.readline().strip()) != "ready":
            if not line:
                raise SystemExit(f"{peer} ended early; its error stands above.")
            said = json.loads(line)
            self.variants[said["variant"]] = said

    def rate(self, variant: str, seconds: float) -> float:
        """Outer steps a second, now."""
        self.process.stdin.write(f"{variant} {seconds}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["rate"]

    def end(self) -> None:
        """Let the process go."""
        self.process.stdin.close()
        self.process.wait()


def measure(inner: int, peers: list[str], rounds: int, seconds: float) -> list[dict[str, float]]:
    """Rates of all variants, and their ratios to tsmaml's."""
    workers = [Worker(peer, inner) for peer in peers]
    losses = [said["loss"] for worker in workers for said in worker.variants.values()]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-4)
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for worker in workers:
            for variant in worker.variants:
                found.setdefault(variant, []).append(worker.rate(variant, seconds))
    first = {name: said["first"] for worker in workers for name, said in worker.variants.items()}
    for worker in workers:
        worker.end()
    return [
        {
            "variant": name,
            "inner_steps": inner,
            "rate": statistics.median(rates),
            "ratio": statistics.median(
                ours / theirs for ours, theirs in zip(found["tsmaml"], rates, strict=True)
            ),
            "first_step_seconds": first[name],
        }
        for name, rates in found.items()
    ]


def main() -> None:
    """One table for each number of inner steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inner", nargs="+", type=int, default=[1, 5])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
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
        for row in measure(inner, ["tsmaml", *given.peers], given.rounds, given.seconds):
            found.append(row)
            print(
                f"| {inner} | {row['variant']} | {row['rate']:,.0f} | {row['ratio']:.2f} "
                f"| {row['first_step_seconds']:.1f} s |",
                flush=True,
            )
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
