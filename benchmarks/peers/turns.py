"""Peers in processes and environments of their own, measured in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PACKAGES = {
    "jax": ["jax", "optax"],
    "torch_func": ["torch", "numpy"],
    "torchopt": ["torch", "torchopt", "numpy"],
    "higher": ["torch", "higher", "numpy"],
}
HERE = Path(__file__).parent


def interpreter(peer: str) -> str:
    """Python of a peer's environment, which uv makes in a cache folder if it is not there."""
    if peer == "tsmaml":
        return sys.executable
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    python = cache / "tsmaml-peers" / peer / "bin" / "python"
    if not python.exists():
        packages = PACKAGES[peer]
        subprocess.run(["uv", "venv", "-q", str(python.parents[1])], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "-p", str(python), *packages], check=True)
    return str(python)


class Worker:
    """A peer at work in its own process, waiting for its turn.

    Args:
        peer: whose environment.
        script: a file beside this one, that ends in :func:`serve.serve`.
        arguments: of the script.
    """

    def __init__(self, peer: str, script: str, *arguments: object) -> None:
        # Threads that spin while they wait would take the cores from the one whose turn it is.
        environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "2"}
        command = [interpreter(peer), str(HERE / script), *map(str, arguments)]
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


def measured(workers: Sequence[Worker], rounds: int, seconds: float) -> list[dict[str, float]]:
    """Rates of all variants, and how many times as fast the first of them is.

    All must have reached the same loss. The first variant is that of the first worker.
    """
    told = {name: said for worker in workers for name, said in worker.variants.items()}
    losses = [said["loss"] for said in told.values()]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-4)
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for worker in workers:
            for variant in worker.variants:
                found.setdefault(variant, []).append(worker.rate(variant, seconds))
    for worker in workers:
        worker.end()
    ours = next(iter(found.values()))
    return [
        {
            "variant": name,
            "rate": statistics.median(rates),
            "ratio": statistics.median(us / them for us, them in zip(ours, rates, strict=True)),
            "first_step_seconds": told[name]["first"],
            "peak_megabytes": told[name]["peak"],
        }
        for name, rates in found.items()
    ]
