from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure
from resnets.layers.lenet import LECUN_TABLE, TableConvolution, TrainableSubsampling
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.pretrained import create
from resnets.spec import LeNetSpec, replace

TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""
"""The paper's drawing: a row for each map of S2, a column for each map of C3."""


def test_table_is_the_papers() -> None:
    rows = TABLE_I.split()
    columns = [tuple(row for row in range(6) if rows[row][column] == "X") for column in range(16)]
    assert list(LECUN_TABLE) == columns
    assert sum(len(row) for row in LECUN_TABLE) == 60


def test_every_layer_has_the_papers_parameters() -> None:
    rows = {row.label: row.parameters for row in structure(spec_of("lenet5"), (1, 32, 32))}
    c1, s2, c3, s4, c5, f6 = 156, 12, 1_516, 32, 48_120, 10_164
    assert rows == {"stem": c1 + s2, "S1U1": c3 + s4, "S2U1": c5, "S2U2": f6, "head": 850}
    assert sum(rows.values()) - rows["head"] == 60_000


def test_multiplies_as_often_as_the_paper_has_connections_without_biases_subsampling_and_output() -> None:
    connections = 122_304 + 151_600 + 48_120 + 10_164
    biases = 6 * 784 + 16 * 100 + 120 + 84
    assert complexity(spec_of("lenet5"), (1, 32, 32)).macs == connections - biases + 840


def test_form_of_dive_into_deep_learning() -> None:
    cost = complexity(spec_of("lenet5_d2l"), (1, 28, 28))
    assert (cost.parameters, cost.macs) == (61_706, 416_520)


def test_form_of_dive_into_deep_learning_is_its_equation() -> None:
    model = create("lenet5_d2l", seed=0)
    images = torch.randn(3, 1, 28, 28)
    p = list(model.parameters())
    x = functional.avg_pool2d(functional.conv2d(images, p[0], p[1], padding=2).sigmoid(), 2)
    x = functional.avg_pool2d(functional.conv2d(x, p[2], p[3]).sigmoid(), 2).flatten(1)
    x = functional.linear(x, p[4].flatten(1), p[5]).sigmoid()
    x = functional.linear(x, p[6], p[7]).sigmoid()
    torch.testing.assert_close(model(images), functional.linear(x, p[8], p[9]))


def test_convolution_by_table_equals_a_dense_one_with_zeros() -> None:
    layer = TableConvolution(LECUN_TABLE, 5)
    kernels = [kernel for part in layer.parts for kernel in part.get_parameter("weight")]
    dense = torch.zeros(16, 6, 5, 5)
    for row, (maps, kernel) in enumerate(zip(LECUN_TABLE, kernels, strict=True)):
        dense[row, list(maps)] = kernel
    bias = torch.cat([part.get_parameter("bias") for part in layer.parts])
    x = torch.randn(2, 6, 14, 14)
    torch.testing.assert_close(layer(x), functional.conv2d(x, dense, bias))


def test_subsampling_starts_as_the_mean_and_scales_the_sum() -> None:
    layer = TrainableSubsampling(3)
    x = torch.randn(2, 3, 8, 6)
    torch.testing.assert_close(layer(x), functional.avg_pool2d(x, 2))
    layer.weight.data, layer.bias.data = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 0.0, -0.5])
    sums = x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]
    torch.testing.assert_close(layer(x)[:, 2], 3 * sums[:, 2] - 0.5)


def test_built_network_starts_with_the_mean_as_well() -> None:
    pools = [module for module in create("lenet5").modules() if isinstance(module, TrainableSubsampling)]
    assert len(pools) == 2
    assert all((pool.weight == 0.25).all() and not pool.bias.any() for pool in pools)


def test_pools_can_be_max_pools() -> None:
    assert complexity(replace(spec_of("lenet5_d2l"), subsampling="max"), (1, 28, 28)).parameters == 61_706


def test_one_size_only() -> None:
    with pytest.raises(DataError, match="at least 32x32 pixels, got 28x28"):
        build(LeNetSpec(in_channels=1))(torch.zeros(1, 1, 28, 28))
    with pytest.raises(ConfigError, match="image_size must be one of 28, 32; got 30"):
        LeNetSpec(image_size=30)  # type: ignore[arg-type]
