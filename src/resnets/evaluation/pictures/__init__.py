"""Pictures of a training and of a report: each function writes one picture as `<stem>.png` and `<stem>.svg`."""

from resnets.evaluation.pictures.confusion import draw_confusion
from resnets.evaluation.pictures.gallery import draw_mistakes, draw_predictions
from resnets.evaluation.pictures.reliability import draw_reliability
from resnets.evaluation.pictures.report import draw_report
from resnets.evaluation.pictures.scores import draw_class_scores
from resnets.evaluation.pictures.style import Theme
from resnets.evaluation.pictures.training import draw_learning_rate, draw_training

__all__ = [
    "Theme",
    "draw_class_scores",
    "draw_confusion",
    "draw_learning_rate",
    "draw_mistakes",
    "draw_predictions",
    "draw_reliability",
    "draw_report",
    "draw_training",
]
