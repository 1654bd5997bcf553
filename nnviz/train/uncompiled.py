"""Optimizers of torch without its compiler: nothing is compiled here, and importing it takes 2 seconds.

torch imports it with the first optimizer and with the first update of a process, only to keep it away from these
methods should they ever be compiled. Without, ``nnviz train sample:and`` takes 3.3 s of processor time, not 5.7 (torch
2.13, two cores).
"""

from __future__ import annotations

import inspect
from functools import cache

import torch

#: What torch looks up before it has its compiler make it: where it no longer does, it imports the compiler as before.
_MADE = "__dynamo_disable"


@cache
def spare_the_compiler() -> None:
    """To be called before the first optimizer of a process is made."""
    for method in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        own = inspect.unwrap(getattr(torch.optim.Optimizer, method))
        setattr(own, _MADE, own)


def step_alone(optimizer: torch.optim.Optimizer) -> None:
    """``optimizer.step()`` without what torch wraps around it: the compiler, hooks and profilers."""
    step = optimizer.step
    alone = inspect.unwrap(step)
    with torch.no_grad():
        if alone is step:
            step()
        else:
            alone(optimizer)
