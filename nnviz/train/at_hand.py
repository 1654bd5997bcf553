"""What this process holds of a tensor whose rows may be divided among several. Without torch.

torch.distributed takes long to import, where nothing is divided as well; what a divided tensor is, is known by what it
says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import Tensor


def at_hand(tensor: Tensor) -> Tensor:
    """The numbers of a tensor that this process holds, in the same memory, without a graph behind them."""
    return cast("Tensor", getattr(tensor, "_local_tensor", tensor)).detach()


def rows_at_hand(tensor: Tensor, rows: Iterable[int]) -> list[int]:
    """Which rows of :func:`at_hand` some rows of the whole are, in order; those of other processes are left out."""
    mesh: Any = getattr(tensor, "device_mesh", None)
    if mesh is None:
        return sorted(rows)
    most = -(-len(tensor) // mesh.size())  # as torch.chunk divides them
    first = most * mesh.get_local_rank()
    return [row - first for row in sorted(rows) if first <= row < first + most]
