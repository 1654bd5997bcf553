"""The numbers of a network divided among several processes, where one device cannot hold them all (FSDP).

Of every parameter, with its gradient and all that the optimizer keeps of it, each process holds the rows that are its
own. A layer's numbers come together in the moment in which it computes, forwards or back, and part again
(``torch.distributed.fsdp.fully_shard``: https://docs.pytorch.org/docs/stable/distributed.fsdp.fully_shard.html).
Nothing of that is visible in a checkpoint: there the numbers are whole, tensor by tensor, as those of one process.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Shard

from nnviz.train import narrow_products, shared_norm


class Shards:
    """Divides tensors among the processes of a training by rows, and puts them together again.

    Args:
        device: Where this process computes; the processes are connected already.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._mesh = DeviceMesh.from_group(dist.distributed_c10d._get_default_group(), device.type)

    def place(self, module: nn.Module) -> None:
        """Keeps this process's rows of a layer, on its device, and lets go of the others.

        Args:
            module: As it was built, on the CPU, with its initial weights: the same in every process.
        """
        module.to(self._device)
        if next(module.parameters(), None) is not None:
            shared_norm.share(module)
            narrow_products.keep_no_copies(module)
            fully_shard(module, mesh=self._mesh)

    def whole_network(self, network: nn.Module) -> nn.Module:
        """The network as it is called in all processes at once, its layers divided already.

        It stands around the network, whose own attributes, its layers among them, keep their names.
        """
        around = _Around(network)
        fully_shard(around, mesh=self._mesh)
        return around

    def part(self, whole: Tensor) -> DTensor:
        """This process's rows of a tensor that each process holds for a moment."""
        rows = torch.chunk(whole, self._mesh.size())
        rank = self._mesh.get_local_rank()
        own = rows[rank] if rank < len(rows) else whole[:0]
        return DTensor.from_local(
            own.detach().clone().to(self._device),
            self._mesh,
            [Shard(0)],
            run_check=False,
            shape=whole.shape,
            stride=whole.contiguous().stride(),
        )


def whole(tensor: Tensor) -> Tensor:
    """All rows of a tensor, copied, on the CPU. Of a divided one every process has to ask at the same time."""
    found = tensor.detach()
    return found.full_tensor().cpu() if isinstance(found, DTensor) else found.cpu().clone()


def is_divided(tensor: Tensor) -> bool:
    """Whether this process holds a part of it alone."""
    return isinstance(tensor, DTensor)


class _Around(nn.Module):
    """Passes on what it is called with."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """What the network puts out."""
        outputs: Tensor = self.network(inputs)
        return outputs
