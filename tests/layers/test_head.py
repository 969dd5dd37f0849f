from __future__ import annotations

import torch

from resnets.layers.head import Head


def test_average_head_is_a_linear_map_of_the_mean() -> None:
    head, x = Head(4, 3, "average"), torch.randn(2, 4, 5, 6)
    torch.testing.assert_close(head(x), x.mean(dim=(2, 3)) @ head.linear.weight.T + head.linear.bias)


def test_max_head_is_a_linear_map_of_the_maximum() -> None:
    head, x = Head(4, 3, "max"), torch.randn(2, 4, 5, 6)
    torch.testing.assert_close(head(x), x.amax(dim=(2, 3)) @ head.linear.weight.T + head.linear.bias)


def test_replaced_classifier_keeps_precision_and_takes_new_classes() -> None:
    head = Head(4, 3, "average").double()
    head.replace_linear(7)
    assert head(torch.randn(2, 4, 1, 1, dtype=torch.float64)).shape == (2, 7)
