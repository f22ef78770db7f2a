"""`limner.training.crew`: processes that torchrun starts learn together what one alone would learn."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from limner.errors import TrainingError
from limner.network.judge import Judge
from limner.training.checkpoint import save_checkpoint
from limner.training.crew import Crew, joined_crew
from limner.training.dataset import load_vocabulary
from limner.training.deblocking import DeblockingConfig
from limner.training.distil import DistilConfig
from limner.training.recipe import Recipe
from limner.training.run import TrainingRun
from limner.training.scenes.cells import PAINTS
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.facts import Numbers
from limner.training.stages import Workshop
from limner.training.upscaler import UpscalerTraining
from tests.training.test_denoise import CONFIG, begin

RECIPE = """\
from pathlib import Path
from limner.training.recipe import Recipe, read_recipe

def recipe() -> Recipe:
    return read_recipe(Path(__file__).with_suffix(".json"))
"""


@pytest.fixture
def prepared(rehearsal: Workshop, tmp_path: Path) -> Workshop:
    """A run before its first step, as the command line sees it: with a judge who knows the project's own things."""
    folder = tmp_path / "run"
    shutil.copytree(rehearsal.folder, folder)
    shutil.rmtree(folder / "denoiser")
    for name in ("trace.json", "recipe.json"):
        (folder / name).unlink()
    judge = Judge(rehearsal.recipe.judge, Numbers(load_vocabulary(data_folder())).classes)
    save_checkpoint(folder / "judge.safetensors", judge.state_dict(), {})
    # There is no art here to compose the project's own scenes from, which the deblocking and the upscaler learn from.
    recipe = replace(
        rehearsal.recipe,
        denoiser=replace(rehearsal.recipe.denoiser, painted=20, paints=PAINTS),
        deblocking=DeblockingConfig(steps=0),
        upscaling=UpscalerTraining(steps=0),
    )
    return replace(rehearsal, folder=folder, data=None, recipe=recipe)


def torchrun(workshop: Workshop, processes: int = 2) -> list[str]:
    """The command that so many processes carry out the run with."""
    recipe = workshop.folder.with_name("plan.py")
    recipe.write_text(RECIPE, encoding="utf-8")
    recipe.with_suffix(".json").write_text(json.dumps(asdict(workshop.recipe)), encoding="utf-8")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    limner = str(Path(sys.executable).with_name("limner"))
    train = ["train", str(recipe), "--run", str(workshop.folder), "--art", str(workshop.art)]
    return [*launcher, str(processes), "--no-python", "--", limner, *train]


def losses(folder: Path, stage: str = "denoiser") -> list[float]:
    """Of each step in a run's log, in order."""
    lines = (folder / stage / "log.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["step"] for record in records] == list(range(1, len(records) + 1))
    return [record["loss"] for record in records]


def longer(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with an epoch of so many steps."""
    run = replace(recipe.run, epochs=1, epoch_pictures=steps * recipe.run.batch)
    return replace(recipe, run=run)


def train(workshop: Workshop, steps: int) -> TrainingRun:
    """Begin a run, or go on with it, for so many steps, in this process alone."""
    training = TrainingRun(workshop)
    epoch = training.run.train_epoch()
    for _ in range(steps):
        next(epoch)
    return training


def test_two_processes_learn_what_one_learns(prepared: Workshop, rehearsal: Workshop, tmp_path: Path) -> None:
    """Each step has the same loss; log, trace and weights are written once, and what is said is said once."""
    student = DistilConfig(steps=2, batch=4, draws=2, teacher_draws=2)
    prepared = replace(prepared, recipe=replace(prepared.recipe, distil=student))
    done = subprocess.run(torchrun(prepared), capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    assert losses(prepared.folder) == pytest.approx(losses(rehearsal.folder), rel=1e-3)
    trace = json.loads((prepared.folder / "trace.json").read_text(encoding="utf-8"))
    assert [record["epoch"] for record in trace] == [0, 1, 2]
    told = [line[:9] for line in done.stdout.splitlines() if line.startswith("epoch")]
    assert told == ["epoch   0", "epoch   1", "epoch   2"]
    for once in ("the student, in fewer steps", "with the seams mended", "done; next: limner export"):
        assert done.stdout.count(once) == 1
    assert (prepared.folder / "denoiser" / "epoch-002.safetensors").is_file()
    alone = Path(shutil.copytree(prepared.folder, tmp_path / "alone"))
    shutil.rmtree(alone / "distilled-002")
    TrainingRun(replace(prepared, folder=alone)).distil()
    together = losses(prepared.folder, "distilled-002")
    assert together == pytest.approx(losses(alone, "distilled-002"), rel=1e-3)


def test_any_number_of_processes_goes_on(prepared: Workshop, tmp_path: Path) -> None:
    """One begins, two go on until they are interrupted, one goes on; the losses are those of one all along."""
    workshop = replace(prepared, recipe=longer(prepared.recipe, 100_000))
    shutil.copytree(prepared.folder, tmp_path / "alone")
    train(workshop, 2).run.save()
    with subprocess.Popen(
        torchrun(workshop), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as crew:
        while len(losses(workshop.folder)) < 6:
            assert crew.poll() is None
            time.sleep(0.05)
        crew.send_signal(signal.SIGINT)
        _, told = crew.communicate(timeout=60)
    assert "all is saved: the same command goes on" in told
    stopped = TrainingRun(workshop).run.step
    assert stopped == len(losses(workshop.folder)) >= 6
    train(workshop, 2)
    train(replace(workshop, folder=tmp_path / "alone"), stopped + 2)
    assert losses(workshop.folder) == pytest.approx(losses(tmp_path / "alone"), rel=1e-2)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_shares_make_up_the_batch_of_one(tmp_path: Path, size: int) -> None:
    """Put in order they are what one process learns from, however many there are; cells weigh as in the whole."""
    whole = begin(tmp_path / "whole").batch(3)
    runs = [begin(tmp_path / str(rank), crew=Crew(rank, size)) for rank in range(size)]
    shares = [run.batch(3) for run in runs]
    for name in whole._fields:
        assert torch.equal(torch.cat([getattr(share, name) for share in shares]), getattr(whole, name))


def test_only_the_first_of_several_writes(tmp_path: Path) -> None:
    """Neither log nor checkpoint nor snapshot comes from another one."""
    run = begin(tmp_path, crew=Crew(1, 2))
    list(run.train_epoch())
    run.save()
    assert list(tmp_path.iterdir()) == []


def test_a_batch_that_cannot_be_shared_evenly_is_refused(tmp_path: Path) -> None:
    """Before anything is prepared, and with both numbers."""
    with pytest.raises(TrainingError, match=r"a batch of 4 cannot be shared evenly by 3 processes"):
        begin(tmp_path, crew=Crew(2, 3))
    assert CONFIG.batch == 4


def test_a_folder_that_others_do_not_see_is_an_error(prepared: Workshop) -> None:
    """A process on another machine says that the run's folder must be seen by all."""
    with pytest.raises(TrainingError, match=r"need one folder that all of them see"):
        TrainingRun(prepared, Crew(1, 2))


def test_processes_that_cannot_meet_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of half a launcher are not passed over."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(TrainingError, match=r"do not find each other.*start them by torchrun"), joined_crew():
        pass


def test_without_a_launcher_there_is_one() -> None:
    """It waits for nobody, and its means are its own values."""
    with joined_crew() as crew, crew.first_goes_ahead():
        assert (crew.rank, crew.size, crew.mean([2.0]), crew.any(mine=False)) == (0, 1, [2.0], False)
