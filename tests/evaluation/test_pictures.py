"""Every picture is whole, the same each time, and leaves matplotlib alone."""

import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from resnets.errors import ConfigError, ResourceError
from resnets.evaluation.evaluate import summarise
from resnets.evaluation.pictures import (
    draw_class_scores,
    draw_confusion,
    draw_learning_rate,
    draw_mistakes,
    draw_predictions,
    draw_reliability,
    draw_report,
    draw_training,
)
from resnets.evaluation.pictures.style import percent, short
from resnets.evaluation.report import ClassRow, Mistake, Report

STRANGE_NAMES = (
    "golden retriever, long-haired",
    "a$b$c",
    "x" * 200,
    "--><script>",
    "line\nbreak",
    "ä",
    "",
    "西施犬",
    "é",
    "h",
)


def report_of(num_classes: int, names: tuple[str, ...] = (), n: int = 400) -> Report:
    generator = torch.Generator().manual_seed(num_classes)
    labels = torch.randint(num_classes, (n,), generator=generator)
    logits = torch.randn(n, num_classes, generator=generator)
    logits[torch.arange(n), labels] += 3
    return summarise(logits, labels, torch.arange(n), names or [f"class {place}" for place in range(num_classes)])


def pictures(n: int, channels: int = 1, side: int = 28) -> Tensor:
    return torch.arange(n * channels * side * side).remainder(251).to(torch.uint8).view(n, channels, side, side)


def epochs(n: int) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "train_loss": 2.3 / epoch,
            "train_accuracy": 1 - 0.5 / epoch,
            "validation_loss": 2.5 / epoch,
            "validation_accuracy": 1 - 0.6 / epoch,
            "learning_rate": 0.1,
        }
        for epoch in range(1, n + 1)
    ]


def mistake(probability: float = 0.98) -> Mistake:
    return Mistake(index=0, label=4, predicted=9, probability=probability)


def svg_texts(stem: Path) -> str:
    """An SVG of ours draws its letters as shapes and leaves each text in a comment."""
    return stem.with_name(stem.name + ".svg").read_text(encoding="utf-8")


def colours_of(path: Path) -> set[tuple[int, ...]]:
    with Image.open(path) as image:
        return {tuple(colour) for colour in np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0).tolist()}


def assert_is_whole(stem: Path) -> None:
    """Both files open, show something, and nothing is cut off: the outermost pixels are background."""
    with Image.open(stem.with_name(stem.name + ".png")) as image:
        pixels = np.asarray(image.convert("RGB"))
    background = pixels[0, 0]
    assert (pixels != background).any()
    for edge in (pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]):
        assert (edge == background).all()
    root = ElementTree.fromstring(svg_texts(stem))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


class TestEachPicture:
    @pytest.mark.slow
    @pytest.mark.parametrize(("num_classes", "theme"), [(1, "dark"), (2, "light"), (10, "dark"), (26, "light")])
    def test_of_a_report_is_whole(self, num_classes: int, theme: Any, tmp_path: Path) -> None:
        draw_report(report_of(num_classes), pictures(400), tmp_path / "new", theme)
        for name in ("confusion", "reliability", "class-scores", "mistakes"):
            assert_is_whole(tmp_path / "new" / name)

    @pytest.mark.slow
    def test_of_many_classes_is_whole(self, tmp_path: Path) -> None:
        draw_report(report_of(120, n=3000), pictures(3000, channels=3, side=8), tmp_path)
        for name in ("confusion", "reliability", "class-scores", "mistakes"):
            assert_is_whole(tmp_path / name)

    @pytest.mark.slow
    def test_with_long_and_strange_names_is_whole(self, tmp_path: Path) -> None:
        draw_report(report_of(10, STRANGE_NAMES), pictures(400, channels=3, side=96), tmp_path)
        for name in ("confusion", "class-scores", "mistakes"):
            assert_is_whole(tmp_path / name)

    @pytest.mark.parametrize("num_epochs", [0, 1, 10, 300])
    def test_of_a_training_is_whole(self, num_epochs: int, tmp_path: Path) -> None:
        draw_training(epochs(num_epochs), tmp_path / "training")
        assert_is_whole(tmp_path / "training")

    @pytest.mark.parametrize("num_steps", [0, 1, 2000])
    def test_of_a_learning_rate_is_whole(self, num_steps: int, tmp_path: Path) -> None:
        draw_learning_rate([(step, 0.1 / (step + 1)) for step in range(num_steps)], tmp_path / "rate")
        assert_is_whole(tmp_path / "rate")

    @pytest.mark.parametrize("num_images", [0, 1, 4])
    def test_of_predictions_is_whole(self, num_images: int, tmp_path: Path) -> None:
        answers = [[("a name that is much too long", 0.75), ("b", 0.25), ("c", 0.0), ("d", 0.0)]] * num_images
        captions = ["holiday/2024/some-folder/IMG_20240101_120000.jpeg"] * num_images
        draw_predictions(pictures(num_images, side=300), answers, tmp_path / "answers", captions=captions)
        assert_is_whole(tmp_path / "answers")


class TestTheFiles:
    @pytest.mark.parametrize(
        "draw",
        [
            lambda stem: draw_training(epochs(3), stem),
            lambda stem: draw_confusion([[3, 1], [0, 4]], ["a", "b"], stem),
            lambda stem: draw_reliability(report_of(3).bins, 0.1, stem),
            lambda stem: draw_mistakes(pictures(1), [mistake()], list("0123456789"), stem, num_mistakes=1),
        ],
    )
    def test_are_the_same_bytes_each_time_whatever_the_user_has_set(
        self, draw: Callable[[Path], None], tmp_path: Path
    ) -> None:
        draw(tmp_path / "first")
        with matplotlib.rc_context({"font.size": 40, "lines.linewidth": 9, "svg.hashsalt": None}):
            draw(tmp_path / "second")
        for ending in (".png", ".svg"):
            assert (tmp_path / f"first{ending}").read_bytes() == (tmp_path / f"second{ending}").read_bytes()

    def test_keep_a_dot_in_their_name(self, tmp_path: Path) -> None:
        draw_learning_rate([(0, 0.1)], tmp_path / "v1.5")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["v1.5.png", "v1.5.svg"]

    def test_that_cannot_be_written_are_explained(self, tmp_path: Path) -> None:
        (tmp_path / "plots").write_text("a file where the folder should be")
        with pytest.raises(ResourceError, match=r"Cannot write to .*plots"):
            draw_learning_rate([(0, 0.1)], tmp_path / "plots" / "rate")

    def test_differ_between_the_themes(self, tmp_path: Path) -> None:
        draw_learning_rate([(0, 0.1)], tmp_path / "light", "light")
        draw_learning_rate([(0, 0.1)], tmp_path / "dark", "dark")
        corners = [Image.open(tmp_path / f"{theme}.png").convert("L").getpixel((0, 0)) for theme in ("light", "dark")]
        assert corners == [255, 16]

    def test_have_no_other_theme(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="theme must be one of light, dark; got 'drak'. Did you mean 'dark'"):
            draw_learning_rate([(0, 0.1)], tmp_path / "rate", "drak")  # type: ignore[arg-type]


class TestMatplotlib:
    def test_keeps_its_settings(self, tmp_path: Path) -> None:
        before = dict(matplotlib.rcParams)
        draw_learning_rate([(0, 0.1)], tmp_path / "rate")
        assert dict(matplotlib.rcParams) == before

    @pytest.mark.slow
    def test_is_loaded_by_pictures_alone_and_never_as_pyplot(self) -> None:
        code = (
            "import sys, resnets.evaluation.evaluate\n"
            "assert 'matplotlib' not in sys.modules\n"
            "import resnets.evaluation.pictures\n"
            "assert 'matplotlib.figure' in sys.modules\n"
            "assert 'matplotlib.pyplot' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class TestTraining:
    @pytest.mark.parametrize(("kept", "number"), [((1, 2), 2), ((1, 2, 3), 3), ((1,), 1)])
    def test_names_the_epoch_that_was_kept_last(self, tmp_path: Path, kept: tuple[int, ...], number: int) -> None:
        rows = [row | {"validation_accuracy": 0.9954, "is_best": row["epoch"] in kept} for row in epochs(3)]
        draw_training(rows, tmp_path / "training")
        assert f"kept epoch {number}, validation 99.54 %" in svg_texts(tmp_path / "training")

    def test_goes_without_validation(self, tmp_path: Path) -> None:
        rows = [row | {"validation_loss": None, "validation_accuracy": None} for row in epochs(3)]
        draw_training(rows, tmp_path / "training")
        assert "validation" not in svg_texts(tmp_path / "training")

    def test_leaves_out_a_loss_that_is_not_a_number(self, tmp_path: Path) -> None:
        rows = epochs(3)
        rows[2]["train_loss"] = math.nan
        draw_training(rows, tmp_path / "training")
        assert_is_whole(tmp_path / "training")

    def test_counts_epochs_in_whole_numbers(self, tmp_path: Path) -> None:
        rows = [row | {"train_loss": 0.2, "validation_loss": 0.3} for row in epochs(2)]
        draw_training(rows, tmp_path / "training")
        assert "<!-- 2 -->" in svg_texts(tmp_path / "training")
        assert "<!-- 1.5 -->" not in svg_texts(tmp_path / "training")


class TestConfusion:
    def test_writes_the_counts(self, tmp_path: Path) -> None:
        draw_confusion([[1234, 56], [0, 789]], ["no", "yes"], tmp_path / "confusion")
        texts = svg_texts(tmp_path / "confusion")
        for text in ("<!-- 1,234 -->", "<!-- 56 -->", "<!-- 789 -->", "<!-- 2,079 images -->", "<!-- yes -->"):
            assert text in texts
        assert "<!-- 0 -->" not in texts

    def test_colours_right_blue_and_wrong_orange_and_leaves_the_rest_empty(self, tmp_path: Path) -> None:
        draw_confusion([[5, 5], [0, 5]], ["no", "yes"], tmp_path / "confusion")
        colours = colours_of(tmp_path / "confusion.png")
        assert (0, 114, 178) in colours
        assert (242, 244, 246) in colours
        assert any(red > 200 and green < 170 and blue < 120 for red, green, blue in colours)


class TestScores:
    def test_of_many_classes_begin_with_the_worst(self, tmp_path: Path) -> None:
        rows = [ClassRow(name=f"c{place}", precision=1, recall=1, f1=1 - place / 100, support=1) for place in range(30)]
        draw_class_scores(rows, tmp_path / "scores")
        texts = svg_texts(tmp_path / "scores")
        assert "worst first" in texts
        assert texts.index("<!-- c29 -->") < texts.index("<!-- c0 -->")

    def test_of_few_classes_keep_their_order(self, tmp_path: Path) -> None:
        rows = [ClassRow(name=f"c{place}", precision=1, recall=1, f1=1 - place / 10, support=1) for place in range(3)]
        draw_class_scores(rows, tmp_path / "scores")
        texts = svg_texts(tmp_path / "scores")
        assert texts.index("<!-- c0 -->") < texts.index("<!-- c2 -->")
        assert "<!-- 0.800 -->" in texts


class TestGallery:
    def test_says_what_was_true_and_what_was_said(self, tmp_path: Path) -> None:
        draw_mistakes(pictures(1), [mistake()], list("0123456789"), tmp_path / "wrong", num_mistakes=46)
        texts = svg_texts(tmp_path / "wrong")
        assert "true 4, said 9 (98 %)" in texts
        assert "the surest 1 of 46" in texts

    def test_says_when_there_are_no_mistakes(self, tmp_path: Path) -> None:
        draw_mistakes(pictures(0), [], ["a"], tmp_path / "wrong", num_mistakes=0)
        assert "no mistakes" in svg_texts(tmp_path / "wrong")
        assert_is_whole(tmp_path / "wrong")

    def test_of_a_report_shows_the_images_that_were_mistaken(self, tmp_path: Path) -> None:
        logits = torch.tensor([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
        report = summarise(logits, torch.tensor([0, 1, 0]), torch.arange(3), ["a", "b"])
        images = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
        images[1, 0] = 255
        draw_report(report, images, tmp_path)
        colours = colours_of(tmp_path / "mistakes.png")
        assert (255, 0, 0) in colours
        assert (0, 0, 0) not in colours

    def test_marks_right_and_wrong_predictions_not_by_colour_alone(self, tmp_path: Path) -> None:
        answers = [[("7", 0.98), ("1", 0.02)], [("4", 0.6), ("9", 0.4)]]
        captions, truths = ["true 7", "true 9"], ["7", "9"]
        draw_predictions(pictures(2), answers, tmp_path / "answers", captions=captions, true_names=truths)
        texts = svg_texts(tmp_path / "answers")
        for text in ("true 7 ✓", "true 9 ✗", "98 %", "60 %"):
            assert text in texts

    def test_claims_nothing_where_the_truth_is_unknown(self, tmp_path: Path) -> None:
        draw_predictions(pictures(1), [[("cat", 0.9)]], tmp_path / "answers", captions=["a.jpg"])
        texts = svg_texts(tmp_path / "answers")
        assert "✓" not in texts
        assert "✗" not in texts


class TestNames:
    @pytest.mark.parametrize(
        ("name", "limit", "drawn"),
        [
            ("cat", 3, "cat"),
            ("golden retriever", 9, "gold…ever"),
            ("golden retriever", 8, "gold…ver"),
            ("a\nb\x00", 9, "a?b?"),
            ("西施犬", 6, "西施犬"),
            ("西施犬与别的犬", 6, "西…犬"),
            ("", 5, ""),
        ],
    )
    def test_are_shortened_in_their_middle(self, name: str, limit: int, drawn: str) -> None:
        assert short(name, limit) == drawn

    def test_fractions_are_percent_when_printed(self) -> None:
        assert (percent(0.98), percent(0.99541, 2)) == ("98 %", "99.54 %")


def test_names_of_equal_costs_do_not_cover_each_other(tmp_path: Path) -> None:
    from resnets.evaluation.pictures.cost import Cost, draw_cost

    draw_cost([Cost(f"net{number}", 34, 3_600_000_000, 21_000_000) for number in range(5)], tmp_path / "cost")
    svg = (tmp_path / "cost.svg").read_text(encoding="utf-8")
    assert all(f"net{number}" in svg for number in range(5))
    heights = re.findall(r"<!-- net\d -->\s*<g [^>]*translate\([\d.]+ ([\d.]+)\)", svg)
    assert len(set(heights)) == 5


def test_a_name_does_not_cover_the_middle_of_another_circle(tmp_path: Path) -> None:
    from resnets.evaluation.pictures.cost import Cost, draw_cost

    depths = {"a_name_that_is_long": 20, "near": 26, "far": 80}
    draw_cost([Cost(name, depth, 10**9, 10**6) for name, depth in depths.items()], tmp_path / "cost")
    svg = (tmp_path / "cost.svg").read_text(encoding="utf-8")
    place = r" -->\s*<g [^>]*translate\([\d.]+ ([\d.]+)\)"
    heights = {name: float(re.findall(f"<!-- {name}{place}", svg)[-1]) for name in depths}
    assert heights["near"] == pytest.approx(heights["far"], abs=0.01)
    assert heights["a_name_that_is_long"] > heights["far"] + 5
