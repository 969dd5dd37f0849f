"""A model whose blocks run on the native kernels, and back: the same modules, parameters and names.

Each block and each row of layers gets a `forward` of its own. It looks at what it is given, every time, and leaves to
PyTorch what the kernels cannot do, and whatever somebody watches with a hook or computes in a way of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional

from resnets.layers.block import PlainBlock, ResidualBlock
from resnets.layers.shortcut import ZeroPadding
from resnets.native import chain, kernels, operators
from resnets.native.library import active, required
from resnets.native.pieces import Chain, Lone, Pair, is_relu, only_chain, pieces, takes

Model = TypeVar("Model", bound=nn.Module)

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def accelerate(model: Model) -> Model:
    """The model itself, its blocks on the native kernels if there are any here; `restore` undoes it."""
    if active() is not None:
        for module in model.modules():
            if "forward" in vars(module):
                continue  # ours already, or somebody else's
            for kind, forward in _FORWARDS.items():
                if type(module).forward is kind.forward and _has_work(module):
                    vars(module)["forward"] = partial(forward, module)  # unlike a method, it can be pickled
    return model


def restore(model: Model) -> Model:
    """The model itself, on PyTorch alone again."""
    for module in model.modules():
        if _has_our_forward(module):
            del vars(module)["forward"]
    return model


def is_accelerated(model: nn.Module) -> bool:
    """Whether any part of the model runs on the native kernels."""
    return any(map(_has_our_forward, model.modules()))


def computed(model: nn.Module) -> set[nn.Conv2d]:
    """The convolutions of a model that the kernels compute in training, once it is accelerated."""
    rows = (module for module in model.modules() if type(module).forward is nn.Sequential.forward)
    found: set[nn.Conv2d] = set()
    for piece in (piece for row in rows for piece in pieces(list(row.children()))):
        if isinstance(piece, Lone):
            found.add(piece.convolution)
        elif isinstance(piece, Chain) and piece.gains:
            found.update(pair.convolution for pair in piece.pairs if pair.operand.is_native)
    return found


def _has_our_forward(module: nn.Module) -> bool:
    forward = vars(module).get("forward")
    return isinstance(forward, partial) and forward.func in _FORWARDS.values()


def _has_work(module: nn.Module) -> bool:
    """Whether a row of layers has any that is faster on the kernels, which is asked once and not at every step."""
    return not isinstance(module, nn.Sequential) or any(
        piece.gains if isinstance(piece, Chain) else isinstance(piece, Lone) for piece in pieces(list(module))
    )


def _branch(block: ResidualBlock | PlainBlock, x: Tensor) -> Chain | None:
    """The chain that F is, if it is one and the kernels can run it now."""
    branch = only_chain(list(block.residual))
    is_ready = branch and not branch.ends_with_relu and is_relu(block.activation) and not _is_watched(block)
    return branch if branch and is_ready and _can_run(branch, x) else None


def _residual_block(block: ResidualBlock, x: Tensor) -> Tensor:
    """activation(F(x) + shortcut(x)), with F one chain."""
    if branch := _branch(block, x):
        shape = branch.output_shape(x)
        if step := _step_of(block.shortcut, x, shape):
            return _run(branch, x, None, identity=step, relu=True)
        shortcut = block.shortcut(x)
        if shortcut.shape == shape and shortcut.dtype == x.dtype:
            return _run(branch, x, shortcut, identity=0, relu=True)
        y: Tensor = block.activation(block.residual(x) + shortcut)
        return y
    return ResidualBlock.forward(block, x)


def _plain_block(block: PlainBlock, x: Tensor) -> Tensor:
    """activation(F(x)), with F one chain."""
    if branch := _branch(block, x):
        return _run(branch, x, None, identity=0, relu=True)
    return PlainBlock.forward(block, x)


def _step_of(shortcut: nn.Module, x: Tensor, shape: tuple[int, ...]) -> int:
    """Every so many-th pixel of x is the shortcut, of this shape; 0 if it is something else."""
    if type(shortcut) is ZeroPadding and shortcut.stride > 1:
        step, channels = shortcut.stride, x.shape[1] + shortcut.extra_channels
    elif type(shortcut) is nn.Identity:
        step, channels = 1, x.shape[1]
    else:
        return 0
    fits = shape == (len(x), channels, *((pixels + step - 1) // step for pixels in x.shape[2:]))
    return step if fits else 0


def _sequence(layers: nn.Sequential, x: Tensor) -> Tensor:
    """The layers one after the other, chains as one step."""
    if _is_watched(layers) or not isinstance(x, Tensor):
        return nn.Sequential.forward(layers, x)  # type: ignore[no-any-return, no-untyped-call]
    for piece in pieces(list(layers)):
        if isinstance(piece, Lone):
            x = _alone(piece, x)
        elif not isinstance(piece, Chain):
            x = piece(x)
        elif _can_run(piece, x):
            x = _run(piece, x, None, identity=0, relu=piece.ends_with_relu)
        else:
            x = _run_on_torch(piece, x)
    return x


def _alone(piece: Lone, x: Tensor) -> Tensor:
    layer = piece.convolution
    if is_ours(x) and takes(layer, x.shape[1]):
        return operators.convolution(x, layer.weight, layer.bias, layer.stride[0], relu=piece.relu)
    y: Tensor = layer(x)
    return functional.relu(y) if piece.relu else y


_FORWARDS: Mapping[type[nn.Module], Callable[..., Tensor]] = {
    ResidualBlock: _residual_block,
    PlainBlock: _plain_block,
    nn.Sequential: _sequence,
}
"""Whose forward becomes which."""


def _is_watched(module: nn.Module) -> bool:
    """Whether a hook wants to see what goes through the module's parts, or one of them computes in a way of its own."""
    if any(getattr(nn.modules.module, f"_global{name}") for name in _HOOKS):
        return True
    parts = list(vars(module)["_modules"].values())
    while parts:
        part = parts.pop()
        own = vars(part)
        if any([own[name] for name in _HOOKS]):  # noqa: C419  # a list is twice as fast, and this runs for each block
            return True
        if "forward" in own and not _has_our_forward(part):
            return True
        parts += own["_modules"].values()
    return False


def is_ours(x: Tensor) -> bool:
    """What the kernels compute with: numbers in single precision on a CPU, and some of them, here and now.

    Whoever records operations cannot see the kernels', so there must be none.
    """
    is_strided = isinstance(x, Tensor) and x.layout == torch.strided
    is_single = is_strided and x.dtype == torch.float32 and x.device.type == "cpu"
    return is_single and x.ndim == 4 and x.numel() > 0 and _is_plain(x) and not torch.is_autocast_enabled("cpu")


def _is_plain(x: Tensor) -> bool:
    """Whether what x is stands in its memory; torch.compile, which calls our operators, sees to that itself."""
    if type(x) is not Tensor or torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
        return False
    if torch.compiler.is_compiling():
        return not torch.compiler.is_exporting()
    is_recorded = torch._C._len_torch_dispatch_stack() > 0 or torch._C._get_tracing_state() is not None
    return not x.is_neg() and not is_recorded and active() is not None


def _can_run(piece: Chain, x: Tensor) -> bool:
    """Whether all norms are in one mode that there is a kernel for, and each has what it needs."""
    norms = [pair.norm for pair in piece.pairs]
    if not is_ours(x):
        return False
    if not all(norm.affine and norm.running_mean is not None and norm.momentum is not None for norm in norms):
        return False
    if not piece.takes(x.shape[1]):
        return False
    if not any(norm.training for norm in norms):
        return not torch.is_grad_enabled() and not torch.compiler.is_compiling()
    images, _, height, width = piece.output_shape(x)
    return (
        piece.gains
        and all(norm.training for norm in norms)
        and height > 0
        and width > 0
        and images * height * width > 1
    )


def _run(piece: Chain, x: Tensor, shortcut: Tensor | None, *, identity: int, relu: bool) -> Tensor:
    if piece.pairs[0].norm.training:
        return _train(piece, x, shortcut, identity=identity, relu=relu)
    added = chain.subsampled(x, identity, piece.pairs[-1].convolution.out_channels) if identity else shortcut
    return _infer(piece, x, added, relu=relu)


def _train(piece: Chain, x: Tensor, shortcut: Tensor | None, *, identity: int, relu: bool) -> Tensor:
    norms = list(map(_norm, piece.pairs))
    convolutions = [pair.operand for pair in piece.pairs]
    z, found = operators.run_chain(x, shortcut, convolutions, norms, identity=identity, relu=relu)
    with torch.no_grad():
        for pair, statistics in zip(piece.pairs, found, strict=True):
            if not pair.norm.track_running_stats:
                continue
            mean, variance, batches = pair.running
            momentum = pair.norm.momentum or 0.0
            mean.lerp_(statistics[2] if pair.bias is None else statistics[2] + pair.bias, momentum)
            variance.lerp_(statistics[3], momentum)
            batches += 1
    return z


def _norm(pair: Pair) -> chain.Norm:
    """A bias goes away with the mean of a batch; only the running mean sees it.      [Ioffe 2015, section 3.2]"""
    beta: Tensor = pair.norm.bias
    mean = pair.running[0]
    if pair.bias is not None:
        beta = beta + 0 * pair.bias  # so that its gradient is zero rather than missing, as weight decay needs it
        mean = mean - pair.bias.detach()
    return chain.Norm(pair.norm.weight, beta, mean, pair.norm.eps)


def _infer(piece: Chain, x: Tensor, shortcut: Tensor | None, *, relu: bool) -> Tensor:
    """With running statistics a norm is a scale and a shift: both go into the convolution."""
    x = x.contiguous(memory_format=torch.channels_last)
    for pair in piece.pairs:
        scale, shift = pair.scale_and_shift
        weight = pair.convolution.weight * scale[:, None, None, None]
        is_last = pair is piece.pairs[-1]
        added = shortcut.contiguous(memory_format=torch.channels_last) if is_last and shortcut is not None else None
        rectify = relu or not is_last
        if pair.operand.is_native:
            after = kernels.finish(shift, added, relu=rectify)
            x = kernels.convolve(required(), x, weight, pair.operand.kernel, after=after)
        else:
            x = functional.conv2d(x, weight, shift, pair.convolution.stride, pair.operand.kernel.padding)
            x = x.contiguous(memory_format=torch.channels_last)
            x = x if added is None else x.add_(added)
            x = x.relu_() if rectify else x
    return x


def _run_on_torch(piece: Chain, x: Tensor) -> Tensor:
    for pair in piece.pairs:
        x = pair.norm(pair.convolution(x))
        if piece.ends_with_relu or pair is not piece.pairs[-1]:
            x = functional.relu(x)
    return x
