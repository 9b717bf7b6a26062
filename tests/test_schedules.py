"""Schedules: the plan that is drawn is what the run does; one that is resumed goes on in it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from builder.errors import RecipeError
from builder.train.optimizers import OPTIMIZERS
from builder.train.schedulers import LEFT_OUT, SCHEDULERS, known_schedulers
from builder.train.schedules import CHAINS, Phase, check, code, make, plan, scale, set_rate

RATES = [0.1, 0.02]
TOTAL = 24
SGD = OPTIMIZERS["SGD"]
CASES = {name: (Phase(name),) for name, row in SCHEDULERS.items() if not row.wants_metric}
CASES |= {
    f"{name}, in phases": make(TOTAL) for name, make in CHAINS.items() if "plateau" not in name
}
CASES["three phases"] = (
    Phase("ConstantLR", {"factor": 0.5}, 4),
    Phase("ExponentialLR", {"gamma": 0.8}, 10),
    Phase("CosineAnnealingLR", {"eta_min": 0.001}),
)


def optimizer(rates: list[float]) -> torch.optim.SGD:
    groups = [{"params": [nn.Parameter(torch.ones(1))], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, lr=1.0, momentum=0.9)


def rates(of: torch.optim.Optimizer) -> list[float]:
    return [float(group["lr"]) for group in of.param_groups]


def test_every_scheduler_of_torch_is_there_or_has_a_reason_not_to_be() -> None:
    assert set(known_schedulers()) == set(SCHEDULERS) | set(LEFT_OUT)
    assert not set(SCHEDULERS) & set(LEFT_OUT)


@pytest.mark.parametrize("case", CASES)
def test_the_plan_is_what_the_run_does(case: str) -> None:
    planned = plan(CASES[case], RATES, TOTAL)
    used = optimizer(RATES)
    schedule = make(CASES[case], used, TOTAL)
    for step in range(TOTAL):
        assert rates(used) == [line[step] for line in planned]
        used.step()
        schedule.step()
    assert len({*planned[0]}) > 1, "nothing ever changes"
    for first, second in zip(*planned, strict=True):  # both groups in proportion
        assert second == pytest.approx(first * RATES[1] / RATES[0], rel=0.2, abs=1e-3)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stop", [3, 13])
def test_a_schedule_that_is_restored_goes_on_to_the_bit(
    case: str, stop: int, tmp_path: Path
) -> None:
    whole = optimizer(RATES)
    schedule = make(CASES[case], whole, TOTAL)
    seen = []
    for step in range(TOTAL):
        if step == stop:
            torch.save((whole.state_dict(), schedule.state_dict()), tmp_path / "state")
        whole.step()
        schedule.step()
        seen.append([(group["lr"], group["momentum"]) for group in whole.param_groups])
    kept = torch.load(tmp_path / "state", weights_only=True)
    second = optimizer(RATES)
    again = make(CASES[case], second, TOTAL)
    second.load_state_dict(kept[0])
    again.load_state_dict(kept[1])
    for step in range(stop, TOTAL):
        second.step()
        again.step()
        assert [(group["lr"], group["momentum"]) for group in second.param_groups] == seen[step]


@pytest.mark.parametrize("case", CASES)
def test_rates_that_are_divided_by_ten_in_mid_run_stay_a_tenth_of_the_plan(case: str) -> None:
    planned = plan(CASES[case], RATES, TOTAL)
    used = optimizer(RATES)
    schedule = make(CASES[case], used, TOTAL)
    floors = any("eta_min" in phase.args for phase in CASES[case])
    for step in range(TOTAL):
        if step == 5:
            scale(schedule, used, 0.1, [0])
        part = 0.1 if step >= 5 else 1.0
        if not floors:
            assert used.param_groups[0]["lr"] == pytest.approx(part * planned[0][step], rel=1e-6)
        assert used.param_groups[1]["lr"] == planned[1][step]
        used.step()
        schedule.step()


def test_a_rate_that_is_set_is_gone_on_from() -> None:
    used = optimizer(RATES)
    schedule = make((Phase("ExponentialLR", {"gamma": 0.5}),), used, TOTAL)
    used.step()
    set_rate(schedule, used, 0.04, [0, 1])
    assert rates(used) == [0.04, 0.04]
    schedule.step()
    assert rates(used) == pytest.approx([0.02, 0.02])
    set_rate(None, used, 0.3, [1])
    assert rates(used) == pytest.approx([0.02, 0.3])


def test_a_plateau_lowers_the_rate_when_the_loss_stands_still() -> None:
    used = optimizer([0.1])
    schedule = make((Phase("ReduceLROnPlateau", {"patience": 1}),), used, 10)
    assert schedule.wants_metric
    for loss in (1.0, 0.5, 0.5, 0.5):
        used.step()
        schedule.step(loss)
    assert rates(used) == pytest.approx([0.01])


@pytest.mark.parametrize(
    ("phases", "by", "said"),
    [
        ((Phase("LambdaLR"),), "epoch", "Its argument is code"),
        ((Phase("Cosine"),), "epoch", "known are CosineAnnealingLR"),
        ((Phase("StepLR", {"step": 3}),), "epoch", "no argument 'step'"),
        ((Phase("StepLR", {"gamma": -1.0}),), "epoch", "gamma is -1"),
        ((Phase("MultiStepLR", {"milestones": (5, 3)}),), "epoch", "milestones must rise"),
        ((Phase("LinearLR"), Phase("StepLR")), "epoch", "only the last may be open"),
        ((Phase("LinearLR", {}, 20), Phase("StepLR", {}, 5)), "epoch", "takes 25 epochs.*has 24"),
        ((Phase("LinearLR", {}, 30),), "step", "takes 30 steps"),
        ((Phase("LinearLR", {}, 0),), "epoch", "lasts 0 epochs"),
        ((Phase("ReduceLROnPlateau"),), "step", "once an epoch"),
        ((Phase("LinearLR", {}, 3), Phase("ReduceLROnPlateau")), "epoch", "alone"),
    ],
)
def test_a_schedule_that_cannot_work_is_refused_in_words(
    phases: tuple[Phase, ...], by: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        check(phases, SGD, TOTAL, by)


def test_a_cycle_of_momentum_needs_an_optimizer_that_has_some() -> None:
    with pytest.raises(RecipeError, match="no momentum"):
        check((Phase("OneCycleLR", {"cycle_momentum": True}),), OPTIMIZERS["Adagrad"], 9, "epoch")
    adagrad = torch.optim.Adagrad([nn.Parameter(torch.ones(1))], lr=0.1)
    assert make((Phase("OneCycleLR"),), adagrad, 9) is not None


def test_every_chain_and_every_scheduler_passes_its_own_check() -> None:
    for total in (1, 2, 5, 200):
        for chain in CHAINS.values():
            check(chain(total), SGD, total, "epoch")
    for name in SCHEDULERS:
        check((Phase(name),), SGD, TOTAL, "epoch")


def test_the_code_makes_the_same_rates(tmp_path: Path) -> None:
    script = ["import json, torch, warnings", "warnings.simplefilter('error')", "found = []"]
    for phases in CASES.values():
        script += [
            "parameter = torch.nn.Parameter(torch.ones(1))",
            "optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)",
            code(phases, [0.1], TOTAL, "epoch"),
            "line = []",
            f"for _ in range({TOTAL}):",
            "    line.append(optimizer.param_groups[0]['lr'])",
            "    optimizer.step()",
            "    with warnings.catch_warnings():",
            "        warnings.simplefilter('ignore')",
            "        scheduler.step()",
            "found.append(line)",
        ]
    path = tmp_path / "script.py"
    path.write_text("\n".join([*script, "print(json.dumps(found))"]))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for (name, phases), found in zip(CASES.items(), json.loads(done.stdout), strict=True):
        assert found == pytest.approx(plan(phases, [0.1], TOTAL)[0], rel=1e-6), name
