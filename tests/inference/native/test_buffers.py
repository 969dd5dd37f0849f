from __future__ import annotations

import operator

from torch.fx import Graph

from resnets.inference.native.buffers import buffers


def test_a_buffer_is_used_again_only_when_nobody_reads_it_any_more() -> None:
    graph = Graph()
    images = graph.placeholder("images")
    first = graph.call_function(operator.neg, (images,))
    second = graph.call_function(operator.neg, (first,))
    third = graph.call_function(operator.add, (first, second))
    fourth = graph.call_function(operator.neg, (third,))
    nodes = [first, second, third, fourth]
    found = buffers(nodes, dict.fromkeys(nodes, (1, 2, 3, 4)))
    places = [found[node].data_ptr() for node in nodes]
    assert len({*places[:3]}) == 3
    assert places[3] in places[:2]
    assert found[first].shape == (1, 2, 3, 4)
    assert found[first].stride() == (24, 1, 8, 2)


def test_a_view_keeps_what_it_looks_at() -> None:
    graph = Graph()
    first = graph.call_function(operator.neg, (graph.placeholder("images"),))
    view = graph.call_function(operator.pos, (first,))
    view.meta["shares_memory"] = True
    second = graph.call_function(operator.neg, (first,))
    third = graph.call_function(operator.add, (view, second))
    written = dict.fromkeys((first, second, third), (1, 4))
    found = buffers([first, view, second, third], written)
    assert len({tensor.data_ptr() for tensor in found.values()}) == 3


def test_a_free_buffer_grows_rather_than_a_new_one_being_made() -> None:
    graph = Graph()
    first = graph.call_function(operator.neg, (graph.placeholder("images"),))
    second = graph.call_function(operator.neg, (first,))
    third = graph.call_function(operator.neg, (second,))
    found = buffers([first, second, third], {first: (1, 4), second: (1, 6), third: (1, 9)})
    assert found[third].data_ptr() == found[first].data_ptr()
    assert found[third].shape == (1, 9)
