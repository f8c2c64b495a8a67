"""torch.func: `vmap(grad(...))`, one step a call."""

from __future__ import annotations

import numpy as np
import torch
from serve import RATE, SHOTS, TASKS, inner_steps, serve, tasks, weights
from torch.func import grad, grad_and_value, vmap

torch.set_num_threads(2)


def forward(parameters, x):
    w1, b1, w2, b2, w3, b3 = parameters
    return torch.relu(torch.relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3


def loss_of(parameters, x, y):
    return ((forward(parameters, x) - y) ** 2).mean()


def adapted_loss(parameters, x, y):
    for _ in range(inner_steps()):
        grads = grad(loss_of)(parameters, x[:SHOTS], y[:SHOTS])
        parameters = tuple(p - RATE * g for p, g in zip(parameters, grads, strict=True))
    return loss_of(parameters, x[SHOTS:], y[SHOTS:])


def meta_loss(parameters, x, y):
    return vmap(adapted_loss, (None, 0, 0))(parameters, x, y).mean()


def sinusoids():
    amplitude, phase = 0.1 + 4.9 * torch.rand(TASKS, 1, 1), np.pi * torch.rand(TASKS, 1, 1)
    x = 10 * torch.rand(TASKS, 2 * SHOTS, 1) - 5
    return x, amplitude * torch.sin(x - phase)


parameters = tuple(torch.tensor(w, requires_grad=True) for w in weights())
optimizer = torch.optim.Adam(parameters, 1e-3)
outer = grad_and_value(meta_loss)


def run(count: int) -> None:
    for _ in range(count):
        grads, _ = outer(tuple(p.detach() for p in parameters), *sinusoids())
        for parameter, found in zip(parameters, grads, strict=True):
            parameter.grad = found
        optimizer.step()


loss = meta_loss(tuple(torch.tensor(w) for w in weights()), *map(torch.tensor, tasks()))
serve({"torch.func": run}, float(loss))
