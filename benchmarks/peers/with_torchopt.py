"""TorchOpt: `MetaSGD` on a module, tasks one after the other, as its MAML example has it."""

from __future__ import annotations

import numpy as np
import torch
import torchopt
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
inner = torchopt.MetaSGD(net, lr=RATE)


def meta_loss(x, y):
    start, slots = (
        torchopt.extract_state_dict(net, by="reference"),
        torchopt.extract_state_dict(inner),
    )
    total = 0.0
    for task in range(TASKS):
        for _ in range(inner_steps()):
            inner.step(((net(x[task, :SHOTS]) - y[task, :SHOTS]) ** 2).mean())
        total = total + ((net(x[task, SHOTS:]) - y[task, SHOTS:]) ** 2).mean()
        torchopt.recover_state_dict(net, start)
        torchopt.recover_state_dict(inner, slots)
    return total / TASKS


def sinusoids():
    amplitude, phase = 0.1 + 4.9 * torch.rand(TASKS, 1, 1), np.pi * torch.rand(TASKS, 1, 1)
    x = 10 * torch.rand(TASKS, 2 * SHOTS, 1) - 5
    return x, amplitude * torch.sin(x - phase)


def run(count: int) -> None:
    for _ in range(count):
        outer.zero_grad()
        meta_loss(*sinusoids()).backward()
        outer.step()


serve({"torchopt": run}, meta_loss(*map(torch.tensor, tasks())).item())
