"""Evaluation of small models whose answers are known."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from resnets.errors import ConfigError, DataError, DivergedError
from resnets.evaluation.evaluate import WORST_MISTAKES, evaluate, predict_logits, score, summarise

NAMES = ("ant", "bee", "cat")


@dataclass(frozen=True)
class OneBatch:
    images: Tensor
    labels: Tensor
    indices: Tensor


@dataclass(frozen=True)
class ListedBatches:
    """Images whose pixels are the logits that `Reader` reads off, in batches of the places that are listed."""

    logits: Tensor
    labels: Tensor
    places: Sequence[Sequence[int]]

    def epoch(self, epoch: int) -> Iterator[OneBatch]:
        assert epoch == 0
        for batch in self.places:
            chosen = torch.tensor(batch)
            yield OneBatch(self.logits[chosen][:, None, None, :], self.labels[chosen], chosen)


class Reader(nn.Module):
    """Logits are the pixels; the norm and the dropout would change them in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.norm = nn.BatchNorm2d(1, eps=1e-30)

    def forward(self, images: Tensor) -> Tensor:
        return self.dropout(self.norm(images)).flatten(1)  # type: ignore[no-any-return]


def seven() -> ListedBatches:
    """Seven answers of three classes: five right; the mistakes are images 2 (surer) and 5."""
    logits = [[2, 0, 0], [0, 2, 0], [0, 3, 0], [0, 0, 2], [2, 0, 0], [1, 0, 0], [0, 0, 1]]
    return ListedBatches(torch.tensor(logits).float(), torch.tensor([0, 1, 0, 2, 0, 1, 2]), [[0, 1, 2, 3], [4, 5, 6]])


def nothing() -> ListedBatches:
    return ListedBatches(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), [])


class TestScore:
    def test_is_the_mean_over_images_and_not_over_batches(self) -> None:
        loss, accuracy, images = score(Reader(), seven())
        by_hand = [
            math.log(math.exp(top) + 2) - own for top, own in [(2, 2), (2, 2), (3, 0), (2, 2), (2, 2), (1, 0), (1, 1)]
        ]
        assert loss == pytest.approx(sum(by_hand) / 7, abs=1e-6)
        assert accuracy == 5 / 7
        assert images == 7

    def test_agrees_with_the_report(self) -> None:
        report = evaluate(Reader(), seven(), NAMES)
        assert score(Reader(), seven()) == pytest.approx((report.loss, report.accuracy, report.num_images), abs=1e-6)

    def test_refuses_an_empty_set(self) -> None:
        with pytest.raises(DataError, match="nothing to evaluate: the data set has no images"):
            score(Reader(), nothing())


class TestLogits:
    def test_come_in_the_order_of_the_data_set_whatever_the_batches(self) -> None:
        shuffled = ListedBatches(seven().logits, seven().labels, [[6, 0], [3], [5, 4, 1, 2]])
        logits, labels, indices = predict_logits(Reader(), shuffled)
        assert torch.equal(logits, seven().logits)
        assert torch.equal(labels, seven().labels)
        assert indices.tolist() == list(range(7))

    def test_are_float32_even_from_a_bfloat16_model(self) -> None:
        class Half(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                return images.flatten(1).bfloat16()

        logits, _, _ = predict_logits(Half(), seven())
        assert logits.dtype == torch.float32

    def test_carry_no_gradient_history(self) -> None:
        logits, _, _ = predict_logits(Reader(), seven())
        assert not logits.requires_grad


class TestTheModel:
    def test_keeps_its_modes_even_when_a_part_is_frozen(self) -> None:
        model = Reader().train()
        model.norm.eval()
        evaluate(model, seven(), NAMES)
        assert (model.training, model.dropout.training, model.norm.training) == (True, True, False)

    def test_keeps_its_modes_when_evaluation_fails(self) -> None:
        model = Reader().train()
        with pytest.raises(DataError):
            score(model, nothing())
        assert model.training
        assert model.norm.training

    def test_keeps_weights_statistics_gradients_and_their_recording(self) -> None:
        model = Reader().train()
        model.norm.weight.grad = torch.ones(1)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        evaluate(model, seven(), NAMES)
        score(model, seven())
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert torch.equal(model.norm.weight.grad, torch.ones(1))
        assert torch.is_grad_enabled()
        model(torch.randn(2, 1, 1, 3)).sum().backward()

    def test_that_gives_nan_is_reported_with_the_image(self) -> None:
        broken = ListedBatches(seven().logits.clone(), seven().labels, seven().places)
        broken.logits[5, 1] = math.nan
        with pytest.raises(DivergedError, match="answer to image 5 is not a finite number: its training diverged"):
            evaluate(Reader(), broken, NAMES)
        with pytest.raises(DivergedError, match="image 5"):
            score(Reader(), broken)

    def test_with_too_few_classes_for_the_data_is_refused(self) -> None:
        strange = ListedBatches(seven().logits, seven().labels + 1, seven().places)
        with pytest.raises(DataError, match=r"Image 3 has label 3, but the model tells 3 classes apart \(0 to 2\)"):
            score(Reader(), strange)


class TestReport:
    def test_by_hand(self) -> None:
        report = evaluate(Reader(), seven(), NAMES)
        assert (report.num_images, report.num_mistakes, report.accuracy) == (7, 2, 5 / 7)
        assert report.confusion == ((2, 1, 0), (1, 1, 0), (0, 0, 2))
        assert [(row.name, row.support) for row in report.per_class] == [("ant", 3), ("bee", 2), ("cat", 2)]
        assert report.per_class[0].precision == pytest.approx(2 / 3)
        assert report.per_class[1].recall == 0.5
        assert report.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
        assert [(pair.label, pair.predicted, pair.count) for pair in report.most_confused] == [(0, 1, 1), (1, 0, 1)]
        assert report.accuracy_interval == pytest.approx((0.35893, 0.91778), abs=1e-5)

    def test_puts_the_surest_mistake_first(self) -> None:
        worst = evaluate(Reader(), seven(), NAMES).worst_mistakes
        assert [(mistake.index, mistake.label, mistake.predicted) for mistake in worst] == [(2, 0, 1), (5, 1, 0)]
        assert worst[0].probability == pytest.approx(math.exp(3) / (math.exp(3) + 2))

    def test_bins_hold_every_image_and_give_the_calibration_error(self) -> None:
        report = evaluate(Reader(), seven(), NAMES)
        assert (report.bins[0].low, report.bins[-1].high, len(report.bins)) == (0, 1, 15)
        assert sum(each.count for each in report.bins) == 7
        gaps = [
            each.count * abs(each.accuracy - each.confidence)
            for each in report.bins
            if each.accuracy is not None and each.confidence is not None
        ]
        assert report.calibration_error == pytest.approx(sum(gaps) / 7)
        assert all(each.accuracy is None and each.confidence is None for each in report.bins if each.count == 0)

    @pytest.mark.parametrize(("asked", "k", "accuracy"), [(1, 1, 5 / 7), (2, 2, 1.0), (5, 3, 1.0)])
    def test_k_is_never_above_the_number_of_classes(self, asked: int, k: int, accuracy: float) -> None:
        report = evaluate(Reader(), seven(), NAMES, top_k=asked)
        assert (report.top_k, report.top_k_accuracy) == (k, accuracy)

    def test_does_not_depend_on_the_batches(self) -> None:
        shuffled = ListedBatches(seven().logits, seven().labels, [[6, 0], [3], [5, 4, 1, 2]])
        assert evaluate(Reader(), shuffled, NAMES) == evaluate(Reader(), seven(), NAMES)

    def test_of_one_class_is_perfect_and_says_so(self) -> None:
        single = ListedBatches(torch.randn(4, 1), torch.zeros(4, dtype=torch.int64), [[0, 1, 2, 3]])
        report = evaluate(Reader(), single, ["thing"])
        assert (report.loss, report.accuracy, report.top_k, report.confusion) == (0, 1, 1, ((4,),))
        assert not report.worst_mistakes
        assert not report.most_confused

    def test_of_one_image_is_a_report(self) -> None:
        report = evaluate(Reader(), ListedBatches(torch.eye(3), torch.arange(3), [[1]]), NAMES)
        assert (report.num_images, report.accuracy, report.macro_recall) == (1, 1, 1)

    def test_names_a_limited_number_of_mistakes(self) -> None:
        n = WORST_MISTAKES + 5
        report = summarise(torch.eye(2)[[0] * n], torch.ones(n, dtype=torch.int64), torch.arange(n), ["no", "yes"])
        assert [mistake.index for mistake in report.worst_mistakes] == list(range(WORST_MISTAKES))
        assert report.num_mistakes == n

    def test_is_finite_when_the_model_is_utterly_sure(self) -> None:
        report = summarise(torch.tensor([[0.0, 1e4]]), torch.tensor([0]), torch.tensor([0]), ["no", "yes"])
        assert (report.loss, report.worst_mistakes[0].probability, report.calibration_error) == (1e4, 1, 1)

    def test_becomes_strict_json_and_back(self) -> None:
        report = evaluate(Reader(), seven(), NAMES)
        data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert (data["schema"], data["version"]) == ("resnets.evaluation", 1)
        assert data == report.to_dict()
        assert data["per_class"][2] == {"name": "cat", "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 2}

    def test_keeps_the_keys_that_others_read(self) -> None:
        assert list(evaluate(Reader(), seven(), NAMES).to_dict()) == [
            "schema", "version", "num_images", "num_mistakes", "loss", "accuracy", "accuracy_interval", "top_k",
            "top_k_accuracy", "macro_precision", "macro_recall", "macro_f1", "calibration_error", "class_names",
            "per_class", "confusion", "most_confused", "bins", "worst_mistakes",
        ]  # fmt: skip

    def test_refuses_an_empty_set(self) -> None:
        with pytest.raises(DataError, match="nothing to evaluate"):
            evaluate(Reader(), nothing(), NAMES)
        with pytest.raises(DataError, match="nothing to evaluate"):
            summarise(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), NAMES)

    def test_refuses_names_that_do_not_fit_the_model(self) -> None:
        with pytest.raises(DataError, match="tells 3 classes apart, but 2 class names were given"):
            evaluate(Reader(), seven(), ["ant", "bee"])

    def test_refuses_a_k_below_1(self) -> None:
        with pytest.raises(ConfigError, match="top_k must be from 1 to 1,000,000, got 0"):
            evaluate(Reader(), seven(), NAMES, top_k=0)
