"""An accelerator that is none: its tensors say they are elsewhere, and their numbers are computed on the processor.

What an accelerator refuses is refused: numbers of both places in one operation, ``numpy`` of what is not on the
processor. So nobody has to find by eye what was forgotten to be moved. torch without CUDA cannot speak of ``cuda``, so
the place is called ``meta``; what only a real one can show (streams, kernels of its own, memory) is left to
``scripts/check_gpu.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

ELSEWHERE, CPU = torch.device("meta"), torch.device("cpu")
_aten = torch.ops.aten
#: These take numbers from one place to the other, or take indices from the processor, as on a GPU
_MOVES = {_aten.copy_.default, _aten._to_copy.default, _aten.index.Tensor, _aten.index_put_.default}


class Pretended(Tensor):
    """A tensor that says it is elsewhere; ``numbers`` are on the processor."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> Pretended:
        made: Pretended = Tensor._make_wrapper_subclass(
            cls,
            numbers.shape,
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=ELSEWHERE,
            requires_grad=False,
        )
        made.numbers = numbers
        return made

    def __repr__(self) -> str:
        return f"Pretended({self.numbers!r})"

    def tolist(self) -> Any:
        """The numbers, which a GPU hands over as well."""
        return self.numbers.tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {})


class _Mode(TorchDispatchMode):
    """What is made there out of nothing."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {})


def _computed(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    flat, form = tree_flatten((args, kwargs))
    there = [one for one in flat if isinstance(one, Pretended)]
    here = [one for one in flat if isinstance(one, Tensor) and not isinstance(one, Pretended)]
    wanted = kwargs.get("device")
    if there and function not in _MOVES and any(one.dim() for one in here):
        raise RuntimeError(f"Expected all tensors to be on the same device, in {function}.")
    elsewhere = bool(there) if wanted is None else torch.device(wanted).type == ELSEWHERE.type
    if not there and not elsewhere:
        return function(*args, **kwargs)
    if function is _aten.copy_.default:
        elsewhere = isinstance(args[0], Pretended)
    plain_args, plain_kwargs = tree_unflatten(
        [one.numbers if isinstance(one, Pretended) else one for one in flat], form
    )
    if "device" in plain_kwargs:
        plain_kwargs = {**plain_kwargs, "device": CPU}
    plain_kwargs.pop("pin_memory", None)
    found = function(*plain_args, **plain_kwargs)
    # What is changed in its place is what was given.
    known = {id(one.numbers): one for one in there}

    def back(one: Any) -> Any:
        if not isinstance(one, Tensor) or not elsewhere:
            return one
        return known[id(one)] if id(one) in known else Pretended(one)

    return tree_map(back, found)


class _Generator(torch.Generator):
    """On whatever device: of the processor."""

    def __new__(cls, device: object = CPU) -> _Generator:
        return super().__new__(cls)


@contextmanager
def accelerator() -> Iterator[torch.device]:
    """Inside there is one; nothing that was made there may be used outside."""
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with _Mode(), patch("torch.Generator", _Generator):
            yield ELSEWHERE
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)
