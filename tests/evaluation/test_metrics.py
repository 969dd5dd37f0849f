"""The metrics against sums by hand, plain Python and numbers recorded from scikit-learn 1.x and SciPy."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from resnets.evaluation import metrics

# Three classes; rows are true. Class 2 is never predicted.
BY_HAND = torch.tensor([[3, 1, 0], [2, 4, 0], [1, 1, 0]])


def sixty_answers() -> tuple[Tensor, Tensor]:
    """Labels and logits by a rule that any language can repeat; scikit-learn was given the same."""
    labels = [(i * i + i // 7) % 4 for i in range(60)]
    logits = [
        [((i * 31 + c * 17 + c * c * i) % 23) / 5 + (1.5 if c == label else 0) for c in range(4)]
        for i, label in enumerate(labels)
    ]
    return torch.tensor(logits, dtype=torch.float64), torch.tensor(labels)


class TestTopK:
    def test_counts_the_true_class_among_the_k_highest(self) -> None:
        logits = torch.tensor([[0.1, 0.7, 0.2], [0.1, 0.7, 0.2], [0.1, 0.7, 0.2]])
        labels = torch.tensor([1, 2, 0])
        assert metrics.is_in_top_k(logits, labels, 1).tolist() == [True, False, False]
        assert metrics.is_in_top_k(logits, labels, 2).tolist() == [True, True, False]
        assert metrics.is_in_top_k(logits, labels, 3).tolist() == [True, True, True]

    def test_any_k_above_the_number_of_classes_means_all(self) -> None:
        assert metrics.is_in_top_k(torch.randn(8, 3), torch.zeros(8, dtype=torch.int64), 5).all()

    def test_top_1_is_argmax_even_when_logits_are_equal(self) -> None:
        logits = torch.tensor([[1.0, 1.0, 1.0], [0.0, 2.0, 2.0]])
        for label in range(3):
            labels = torch.tensor([label, label])
            assert torch.equal(metrics.is_in_top_k(logits, labels, 1), logits.argmax(dim=1) == labels)

    @pytest.mark.parametrize(("k", "accuracy"), [(1, 0.6), (2, 0.8333333333333334), (3, 0.9666666666666667)])
    def test_agrees_with_scikit_learn(self, k: int, accuracy: float) -> None:
        assert metrics.is_in_top_k(*sixty_answers(), k).double().mean() == pytest.approx(accuracy, abs=1e-12)


class TestConfusion:
    def test_true_classes_are_rows_and_predicted_ones_columns(self) -> None:
        confusion = metrics.confusion_matrix(torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 0]), 3)
        assert confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]

    def test_agrees_with_scikit_learn(self) -> None:
        logits, labels = sixty_answers()
        confusion = metrics.confusion_matrix(labels, logits.argmax(dim=1), 4)
        assert confusion.tolist() == [[10, 4, 1, 3], [2, 10, 0, 2], [1, 3, 11, 1], [2, 2, 3, 5]]

    def test_one_class_is_one_cell(self) -> None:
        zeros = torch.zeros(5, dtype=torch.int64)
        assert metrics.confusion_matrix(zeros, zeros, 1).tolist() == [[5]]

    def test_most_confused_are_the_commonest_mistakes_with_ties_by_class(self) -> None:
        assert metrics.most_confused(BY_HAND, 3) == [(1, 0, 2), (0, 1, 1), (2, 0, 1)]

    def test_most_confused_names_no_pair_without_images(self) -> None:
        assert metrics.most_confused(torch.eye(3, dtype=torch.int64), 10) == []

    def test_most_confused_leaves_the_matrix_alone(self) -> None:
        before = BY_HAND.clone()
        metrics.most_confused(BY_HAND, 3)
        assert torch.equal(before, BY_HAND)


class TestClassScores:
    def test_by_hand(self) -> None:
        scores = metrics.class_scores(BY_HAND)
        assert scores.precision.tolist() == pytest.approx([3 / 6, 4 / 6, 0])
        assert scores.recall.tolist() == pytest.approx([3 / 4, 4 / 6, 0])
        assert scores.f1.tolist() == pytest.approx([0.6, 2 / 3, 0])
        assert scores.support.tolist() == [4, 6, 2]

    def test_agrees_with_scikit_learn(self) -> None:
        logits, labels = sixty_answers()
        scores = metrics.class_scores(metrics.confusion_matrix(labels, logits.argmax(dim=1), 4))
        precision = [0.6666666666666666, 0.5263157894736842, 0.7333333333333333, 0.45454545454545453]
        recall = [0.5555555555555556, 0.7142857142857143, 0.6875, 0.4166666666666667]
        f1 = [0.6060606060606061, 0.6060606060606061, 0.7096774193548387, 0.43478260869565216]
        assert scores.precision.tolist() == pytest.approx(precision, abs=1e-12)
        assert scores.recall.tolist() == pytest.approx(recall, abs=1e-12)
        assert scores.f1.tolist() == pytest.approx(f1, abs=1e-12)
        averages = [metrics.macro_average(score, scores.support) for score in scores[:3]]
        assert averages == pytest.approx([0.5952153110047846, 0.5935019841269841, 0.5891453100429258], abs=1e-12)

    def test_a_class_without_images_scores_0_and_is_left_out_of_the_average(self) -> None:
        scores = metrics.class_scores(torch.tensor([[4, 0, 0], [0, 4, 0], [0, 0, 0]]))
        assert [scores.precision[2], scores.recall[2], scores.f1[2]] == [0, 0, 0]
        assert metrics.macro_average(scores.f1, scores.support) == 1

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
    def test_f1_is_the_harmonic_mean_of_precision_and_recall(self, answers: list[tuple[int, int]]) -> None:
        labels, predicted = torch.tensor(answers).T
        scores = metrics.class_scores(metrics.confusion_matrix(labels, predicted, 4))
        for precision, recall, f1 in zip(*(score.tolist() for score in scores[:3]), strict=True):
            harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0
            assert f1 == pytest.approx(harmonic)


class TestCalibration:
    def test_by_hand(self) -> None:
        confidence = torch.tensor([0.55, 0.58, 0.95, 1.0])
        table = metrics.reliability(confidence, torch.tensor([True, False, True, True]), num_bins=10)
        assert table.num_images.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
        assert table.confidence[[5, 9]].tolist() == pytest.approx([0.565, 0.975])
        assert table.accuracy[[5, 9]].tolist() == [0.5, 1]
        assert metrics.expected_calibration_error(table) == pytest.approx((2 * 0.065 + 2 * 0.025) / 4)

    def test_an_edge_belongs_to_the_bin_below(self) -> None:
        edges = torch.arange(1, 16, dtype=torch.float64) / 15
        table = metrics.reliability(edges, torch.ones(15, dtype=torch.bool))
        assert table.num_images.tolist() == [1] * 15

    def test_empty_bins_have_no_accuracy_and_no_confidence(self) -> None:
        table = metrics.reliability(torch.tensor([1.0]), torch.tensor([True]))
        assert table.accuracy[:14].isnan().all()
        assert table.confidence[:14].isnan().all()

    def test_a_sure_and_perfect_model_has_no_error(self) -> None:
        table = metrics.reliability(torch.ones(9), torch.ones(9, dtype=torch.bool))
        assert metrics.expected_calibration_error(table) == 0

    def test_a_sure_and_always_wrong_model_has_the_whole_error(self) -> None:
        table = metrics.reliability(torch.ones(9), torch.zeros(9, dtype=torch.bool))
        assert metrics.expected_calibration_error(table) == 1

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.tuples(st.floats(0.001, 1), st.booleans()), min_size=1, max_size=60))
    def test_equals_the_formula_in_plain_python(self, answers: list[tuple[float, bool]]) -> None:
        error = 0.0
        for place in range(15):
            members = [(sure, right) for sure, right in answers if place / 15 < sure <= (place + 1) / 15]
            if members:
                accuracy = sum(right for _, right in members) / len(members)
                confidence = sum(sure for sure, _ in members) / len(members)
                error += len(members) / len(answers) * abs(accuracy - confidence)
        confidences, rights = zip(*answers, strict=True)
        table = metrics.reliability(torch.tensor(confidences, dtype=torch.float64), torch.tensor(rights))
        assert metrics.expected_calibration_error(table) == pytest.approx(error, abs=1e-9)


class TestWilson:
    @pytest.mark.parametrize(
        ("right", "n", "interval"),
        [
            (9954, 10000, (0.9938701942845314, 0.9965493401298022)),
            (50, 100, (0.4038315303659956, 0.5961684696340044)),
            (10, 10, (0.7224672001371109, 1.0)),
            (0, 10, (0.0, 0.27753279986288926)),
            (1, 1, (0.20654931437723745, 1.0)),
        ],
    )
    def test_agrees_with_scipy(self, right: int, n: int, interval: tuple[float, float]) -> None:
        assert metrics.wilson_interval(right, n) == pytest.approx(interval, abs=1e-12)

    @settings(max_examples=50, deadline=None)
    @given(st.integers(1, 100_000), st.floats(0, 1))
    def test_its_ends_solve_the_equation_that_defines_it(self, n: int, part: float) -> None:
        """|p - end| = z sqrt(end (1 - end) / n)   [Wilson 1927]"""
        right = round(part * n)
        for end in metrics.wilson_interval(right, n):
            distance = abs(right / n - end)
            assert distance == pytest.approx(metrics.NORMAL_95 * math.sqrt(end * (1 - end) / n), abs=1e-7)
