"""A network as the list of operations that it does to images of one shape, whatever its modules are."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, Node
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.weak import WeakTensorKeyDictionary

_aten = torch.ops.aten
_IN_ANY_LAYOUT = {_aten.view.default: _aten.reshape.default, _aten._unsafe_view.default: _aten.reshape.default}
"""What a view is replaced with: layouts differ once other kernels compute what it reads."""

_KINDS = (torch.float32, torch.int64)
"""What comes up between images and logits: values, and places of the largest ones."""


class UnplannableError(RuntimeError):
    """A network that is more than a fixed list of operations."""


def record(model: nn.Module, shape: tuple[int, ...]) -> Graph:
    """The operations, as calls of PyTorch's operators; what does not depend on the images is an argument, computed.

    Every node knows its `meta["shape"]`, and in `meta["shares_memory"]` whether it is a view of what it reads.

    Raises:
        UnplannableError: if the network changes a tensor in place, asks for the value of one, or computes with numbers
            that are not in single precision.
    """
    images = torch.zeros(shape)
    recorder = _Recorder(images)
    with torch.no_grad(), recorder:
        logits = model(images)
    if not isinstance(logits, Tensor) or logits not in recorder.nodes:
        raise UnplannableError("The network's answer is not one tensor that depends on the images.")
    recorder.graph.output(recorder.nodes[logits])
    recorder.graph.eliminate_dead_code()
    return recorder.graph


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # an untyped __init_subclass__
    """Does every operation, and notes those that read what depends on the images."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph = Graph()
        self.nodes: Any = WeakTensorKeyDictionary()
        self._note(images, self.graph.placeholder("images"), ())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: PyTorch would load its compiler for that, which takes two seconds and is not at work here."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        before = _places(args[0]) if func is _aten.as_strided_.default else None
        answer = func(*args, **kwargs)
        if before and before == _places(args[0]):  # a pool to one pixel says so that it is channels last
            return args[0]
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and leaf in self.nodes]
        if not read:
            return answer
        if func._schema.is_mutable or not all(isinstance(part, Tensor) for part in _parts(answer)):
            raise UnplannableError(f"{func} changes a tensor or asks for its value.")
        called = _IN_ANY_LAYOUT.get(func, func)
        node = self.graph.call_function(called, *tree_map(self._known, (args, kwargs)))
        if isinstance(answer, Tensor):
            self._note(answer, node, read)
        else:
            node.meta["shape"], node.meta["shares_memory"] = None, True
            for place, part in enumerate(answer):
                self._note(part, self.graph.call_function(operator.getitem, (node, place)), read)
        return answer

    def _known(self, leaf: Any) -> Any:
        return self.nodes.get(leaf, leaf.detach()) if isinstance(leaf, Tensor) else leaf

    def _note(self, tensor: Tensor, node: Node, read: Any) -> None:
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.dtype not in _KINDS:
            raise UnplannableError(f"{node.target} gives {tensor.dtype} on {tensor.device}.")
        memory = tensor.untyped_storage().data_ptr()
        node.meta["shape"] = tuple(tensor.shape)
        node.meta["shares_memory"] = any(memory == one.untyped_storage().data_ptr() for one in read)
        self.nodes[tensor] = node


def _places(tensor: Tensor) -> tuple[Any, ...]:
    """Where the values stand; a stride over one thing says nothing."""
    strides = [stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]
    return tensor.shape, tensor.storage_offset(), strides


def _parts(answer: Any) -> Any:
    return answer if isinstance(answer, (tuple, list)) else (answer,)
