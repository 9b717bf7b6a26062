"""Scores: that they are scikit-learn's, and that what is not defined is left out."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from builder.errors import RunError
from builder.train.metrics import METRICS, metrics_of, scores

OUT = torch.tensor([[2.0, 0, 1], [0, 3, 1], [1, 2, 0], [0, 0, 2], [0, 1, 3], [3, 1, 1]])
TRUE = torch.tensor([0, 1, 0, 2, 2, 1])


def test_scores_of_classes_are_scikit_learns() -> None:
    found, chosen = scores("classification", OUT, TRUE), OUT.argmax(dim=1)
    shares = OUT.double().softmax(dim=1)
    wanted = {
        "accuracy": sk.accuracy_score(TRUE, chosen),
        "balanced accuracy": sk.balanced_accuracy_score(TRUE, chosen),
        "macro F1": sk.f1_score(TRUE, chosen, average="macro"),
        "ROC AUC": sk.roc_auc_score(TRUE, shares, multi_class="ovr"),
        "average precision": sk.average_precision_score(TRUE, shares),
        "log loss": sk.log_loss(TRUE, shares),
        "kappa": sk.cohen_kappa_score(TRUE, chosen),
        "Matthews": sk.matthews_corrcoef(TRUE, chosen),
    }
    assert found == pytest.approx(wanted)


def test_scores_of_values_are_scikit_learns() -> None:
    out, y = torch.tensor([[1.0], [2], [4], [0]]), torch.tensor([[1.5], [2], [2], [-1]])
    assert scores("regression", out, y) == pytest.approx(
        {
            "R2": sk.r2_score(y, out),
            "MAE": sk.mean_absolute_error(y, out),
            "RMSE": sk.root_mean_squared_error(y, out),
            "median AE": sk.median_absolute_error(y, out),
            "max error": sk.max_error(y, out),
            "explained variance": sk.explained_variance_score(y, out),
        }
    )


def test_one_output_scores_as_two_would() -> None:
    logits, y = torch.tensor([[-1.0], [2], [0.5], [-3]]), torch.tensor([0, 1, 0, 1])
    both = torch.cat([torch.zeros(4, 1), logits], dim=1)
    one, two = (scores("classification", out, y) for out in (logits, both))
    assert one == pytest.approx(two)


def test_probabilities_are_taken_as_they_are() -> None:
    shares = OUT.double().softmax(dim=1)
    wanted = sk.log_loss(TRUE, shares)
    assert scores(["log loss"], shares, TRUE)["log loss"] == pytest.approx(wanted, rel=1e-5)


def test_what_a_single_class_leaves_undefined_has_no_value() -> None:
    found = scores("classification", OUT, torch.ones(6, dtype=torch.long))
    assert set(found) == {"accuracy", "log loss"}


def test_a_class_that_does_not_occur_leaves_the_others_their_scores() -> None:
    found = scores("classification", OUT, torch.tensor([0, 1, 0, 1, 1, 1]))
    assert set(found) >= {"balanced accuracy", "ROC AUC", "macro F1"}


def test_a_target_that_never_changes_has_no_share_to_explain() -> None:
    found = scores("regression", torch.randn(4, 1), torch.ones(4, 1))
    assert set(found) == {"MAE", "RMSE", "median AE", "max error"}


def test_outputs_that_are_no_numbers_score_nothing_that_needs_them() -> None:
    lost = torch.full((4, 3), math.nan)
    assert set(scores("classification", lost, TRUE[:4])) == {"accuracy"}
    assert scores("regression", lost[:, :1], torch.randn(4, 1)) == {}


def test_cheap_metrics_are_some_of_all() -> None:
    assert metrics_of("classification", cheap=True) == ("accuracy",)
    assert metrics_of("regression", cheap=True) == ("R2", "MAE", "RMSE")
    assert set(metrics_of("regression")) > {"R2", "MAE", "RMSE"}


def test_a_metric_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(RunError, match=r"'AUC'.*ROC AUC"):
        scores(["AUC"], OUT, TRUE)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), classes=st.integers(1, 5), samples=st.integers(1, 12))
def test_right_answers_score_at_least_as_well_as_any(seed: int, classes: int, samples: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    outputs = max(classes, 2)
    y = torch.randint(0, classes, (samples,), generator=draw)
    any_, right = torch.randn(samples, outputs, generator=draw), 50 * torch.eye(outputs)[y]
    ours, best = scores("classification", any_, y), scores("classification", right, y)
    assert set(ours) == set(best)
    for name, value in ours.items():
        sign = 1 if METRICS[name].better == "higher" else -1
        assert sign * best[name] >= sign * value - 1e-9
