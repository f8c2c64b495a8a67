"""higher: `innerloop_ctx` for each task, as its MAML example has it."""

from __future__ import annotations

import higher
import numpy as np
import torch
from serve import RATE, SHOTS, TASKS, inner_steps, serve, tasks, weights

torch.set_num_threads(2)
net = torch.nn.Sequential(
    torch.nn.Linear(1, 40), torch.nn.ReLU(),
    torch.nn.Linear(40, 40), torch.nn.ReLU(),
    torch.nn.Linear(40, 1),
)  # fmt: skip
with torch.no_grad():
    for parameter, weight in zip(net.parameters(), weights(), strict=True):
        parameter.copy_(torch.tensor(weight.T))
outer = torch.optim.Adam(net.parameters(), 1e-3)
inner = torch.optim.SGD(net.parameters(), lr=RATE)


def backward(x, y) -> float:
    total = 0.0
    for task in range(TASKS):
        with higher.innerloop_ctx(net, inner, copy_initial_weights=False) as (copy, steps):
            for _ in range(inner_steps()):
                steps.step(((copy(x[task, :SHOTS]) - y[task, :SHOTS]) ** 2).mean())
            loss = ((copy(x[task, SHOTS:]) - y[task, SHOTS:]) ** 2).mean() / TASKS
            loss.backward()
            total += loss.item()
    return total


def sinusoids():
    amplitude, phase = 0.1 + 4.9 * torch.rand(TASKS, 1, 1), np.pi * torch.rand(TASKS, 1, 1)
    x = 10 * torch.rand(TASKS, 2 * SHOTS, 1) - 5
    return x, amplitude * torch.sin(x - phase)


def run(count: int) -> None:
    for _ in range(count):
        outer.zero_grad()
        backward(*sinusoids())
        outer.step()


serve({"higher": run}, backward(*map(torch.tensor, tasks())))
