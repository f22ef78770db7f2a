"""What the tests of the evaluation share: the small theatre's vocabulary, and a judge that is never wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from limner.training.dataset import load_vocabulary
from limner.training.evaluation.grading import Seen
from limner.training.scenes.cells import things_in_cells
from limner.training.scenes.concepts import Concept
from limner.training.scenes.facts import Numbers
from limner.training.scenes.layout import arrange
from limner.training.scenes.spec import Scene, Vocabulary, scene_random
from tests.training.scenes.props import build_data

Knower = Callable[[Scene], Seen]


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """Twenty things and seven places."""
    return load_vocabulary(build_data(tmp_path_factory.mktemp("data")))


@pytest.fixture
def numbers(vocabulary: Vocabulary) -> Numbers:
    """Their numbers."""
    return Numbers(vocabulary)


@pytest.fixture
def concept(vocabulary: Vocabulary) -> Callable[[str], Concept]:
    """A thing by its name."""
    by_name = {one.noun: one for one in vocabulary.concepts}
    return by_name.__getitem__


@pytest.fixture
def know(numbers: Numbers) -> Knower:
    """What the composer knows of a scene's real picture, as if it were seen."""

    def seen(scene: Scene) -> Seen:
        cells_3hw = things_in_cells(arrange(scene, scene_random(0, 0)), numbers.things).astype(np.int64)
        return Seen(things_hw=cells_3hw[0], parts_hw=cells_3hw[1], paints_hw=cells_3hw[2])

    return seen
