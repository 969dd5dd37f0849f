"""Engines of others that answer for a network of ours, where they are installed: `pip install onnx onnxruntime` etc."""

from __future__ import annotations

import copy
import importlib.metadata
import importlib.util
import io
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Answer = Callable[[], Any]


def versions() -> str:
    """Of the libraries of others that are installed here: `onnxruntime 1.32.0`, joined by commas; empty without any."""
    packages = sorted({package for needs, _ in _ENGINES.values() for package in needs})
    here = [package for package in packages if importlib.util.find_spec(package)]
    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in here)


def other_engines(model: nn.Module, batch: Tensor) -> Mapping[str, Answer]:
    """Engine -> the network's answer to the batch, as many threads as PyTorch has; numbers in single precision."""
    found: dict[str, Answer] = {}
    for name, (needs, prepared) in _ENGINES.items():
        if all(importlib.util.find_spec(package) for package in needs):
            with torch.inference_mode(mode=False), torch.no_grad():  # tracers refuse tensors of the inference mode
                found[name] = prepared(copy.deepcopy(model), batch.clone())
    return found


def _compiled(model: nn.Module, batch: Tensor) -> Answer:
    """torch.compile with frozen weights."""
    from torch._inductor import config  # noqa: PLC0415 - seconds that only this rival needs

    torch._dynamo.reset()
    batch = batch.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def run() -> Any:
        with config.patch(freezing=True):
            return compiled(batch)

    compiled = torch.compile(model.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    run()
    return run


def _onnx_runtime(model: nn.Module, batch: Tensor) -> Answer:
    import onnxruntime  # noqa: PLC0415 - only where it is installed

    file = io.BytesIO()
    export: Any = torch.onnx.export  # its types do not know of files in memory
    export(model, (batch,), file, input_names=["images"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    numbers = batch.numpy()
    return lambda: session.run(None, {"images": numbers})


def _openvino(model: nn.Module, batch: Tensor) -> Answer:
    import openvino  # noqa: PLC0415 - only where it is installed

    converted = openvino.convert_model(model, example_input=batch)
    converted.reshape(list(batch.shape))
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(converted, "CPU", settings)
    numbers = batch.numpy()
    return lambda: compiled(numbers)


def _ncnn(model: nn.Module, batch: Tensor) -> Answer:
    """It knows no batches: images go one after the other."""
    import ncnn  # noqa: PLC0415 - only where it is installed
    import pnnx  # noqa: PLC0415

    net = ncnn.Net()
    net.opt.num_threads = torch.get_num_threads()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    with tempfile.TemporaryDirectory() as folder:
        pnnx.export(model, str(Path(folder) / "net.pt"), (batch[:1],), fp16=False)
        net.load_param(str(Path(folder) / "net.ncnn.param"))
        net.load_model(str(Path(folder) / "net.ncnn.bin"))
    images = [ncnn.Mat(image) for image in batch.numpy()]

    def run() -> Any:
        logits = []
        for image in images:
            extractor = net.create_extractor()
            extractor.input("in0", image)
            logits.append(np.array(extractor.extract("out0")[1]))
        return np.stack(logits)

    return run


_ENGINES: Mapping[str, tuple[tuple[str, ...], Callable[[nn.Module, Tensor], Answer]]] = {
    "torch.compile": ((), _compiled),
    "ONNX Runtime": (("onnx", "onnxruntime"), _onnx_runtime),
    "OpenVINO": (("openvino",), _openvino),
    "ncnn": (("ncnn", "pnnx"), _ncnn),
}
"""Engine -> the packages that it needs, and what makes it ready."""
