"""The whole evaluation: every figure, drawn through the pipeline that users have.

Axes in names: K pictures, V vector length.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from limner.errors import InvalidRequestError
from limner.imaging.picture import Picture
from limner.models import Manifest
from limner.pipeline import Pipeline
from limner.training.cache import to_unit
from limner.training.evaluation.changes import found_inside, plan_edit, unchanged_outside, variations_told
from limner.training.evaluation.frechet import frechet_distance
from limner.training.evaluation.goals import goals_of
from limner.training.evaluation.grading import features_of, look, scores
from limner.training.evaluation.memory import candidates, nearest, told
from limner.training.evaluation.pages import beside
from limner.training.evaluation.prompts import TASKS, build_prompts
from limner.training.evaluation.speed import denoiser_flops, median_seconds
from limner.training.evaluation.yardstick import Yardstick
from limner.training.examination import Examination, ask_judge
from limner.training.scenes.spec import SIDE
from limner.types import Floats, Pixels

__all__ = ["Evaluation", "EvaluationConfig"]

_PAGE, _TIMED, _NEAR, _AMONG = 64, 10, 4, 100
_STEPS = frozenset({4, 25})


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationConfig:
    """How much is drawn.

    Attributes:
        pictures: for each of the six tasks of composition, and edits and variations; six times as many of
            held-out captions, if the examination has so many.
        steps: the denoising steps that the curve is drawn at, besides the model's own; 4 and 25 are among them.

    Raises:
        InvalidRequestError: too few pictures, or no figure for the goals.
    """

    pictures: int = 32
    steps: tuple[int, ...] = (1, 2, 4, 8, 25)

    def __post_init__(self) -> None:
        if self.pictures < 1:
            raise InvalidRequestError(f"pictures must be 1 or more, not {self.pictures}", param="pictures")
        if not set(self.steps) >= _STEPS:
            raise InvalidRequestError("steps must have 4 and 25 among them", param="steps")


class Evaluation:
    """Measures one model against one run's yardstick.

    Attributes:
        page: after `measure`, drawn pictures beside the same prompts composed from the art.
        neighbours: after `measure`, drawn pictures beside their nearest training scenes, the nearest first.

    Raises:
        InvalidRequestError: the model's pictures are not of the size that the judge looks at.
    """

    page: Picture
    neighbours: Picture

    def __init__(
        self,
        pipeline: Pipeline,
        yardstick: Yardstick,
        config: EvaluationConfig,
        report: Callable[[str], None],
    ) -> None:
        able = pipeline.engine.capabilities
        if able.picture_size != (SIDE, SIDE):
            raise InvalidRequestError(
                f"the judge looks at pictures of {SIDE} x {SIDE}, and {able.model} draws others: "
                "evaluate one of limner's own models",
                param="model",
            )
        self._pipeline, self._yardstick, self._config, self._report = pipeline, yardstick, config, report
        self._own_steps = able.default_steps
        self._steps = sorted({*config.steps, self._own_steps})
        self._count = min(len(TASKS) * config.pictures, len(yardstick.examination.texts))
        texts = yardstick.examination.texts[: self._count]
        self._captions = [row[0] for row in texts]
        self._prompts = build_prompts(yardstick.vocabulary, yardstick.prompt_seed, config.pictures)

    def measure(self, manifest: Manifest, folder: Path) -> dict[str, Any]:
        """Every figure, ready for JSON.

        Args:
            manifest, folder: of the model.
        """
        began = time.monotonic()
        results: dict[str, Any] = {
            "model": manifest.name,
            "denoiser_sha256": manifest.files["denoiser.safetensors"],
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "cores": os.cpu_count(),
            "engine": type(self._pipeline.engine).__name__,
            "pictures": self._config.pictures,
            "captions": self._count,
            "own_steps": self._own_steps,
            "guidance": manifest.guidance,
            "seconds": self._seconds(),
            "denoiser_tflops": self._denoiser_tflops(manifest),
            "composition": self._composition(),
            **self._held_out(),
            "edits": self._edits(),
            "variations": self._variations(),
            "training": _training(manifest),
            "weights_mb": sum(path.stat().st_size for path in folder.glob("*.safetensors")) / 1e6,
            "prompts": self._captions[:_PAGE],
        }
        results["goals"] = [goal.row() for goal in goals_of(results)]
        rounded: dict[str, Any] = _rounded(results | {"took_seconds": time.monotonic() - began})
        return rounded

    def _draw(self, texts: Sequence[str], steps: int) -> list[Pixels]:
        """One picture of each text; the k-th with seed k."""
        return [
            self._pipeline.generate(text, seed=seed, steps=steps)[0].pixels_HWC
            for seed, text in enumerate(texts)
        ]

    def _seconds(self) -> dict[str, float]:
        """From words to a PNG file, for one picture alone: the median of some, once warm."""
        self._report("seconds a picture")
        return {str(steps): median_seconds(partial(self._file, steps), _TIMED) for steps in self._steps}

    def _denoiser_tflops(self, manifest: Manifest) -> float:
        """Of unguided passes of one picture."""
        engine = self._pipeline.engine
        [features] = engine.encode([self._captions[0]])
        x_1Chw, one = np.zeros((1, *engine.capabilities.latent_shape), np.float32), np.ones(1, np.float32)
        seconds = median_seconds(lambda: engine.denoise(x_1Chw, one, [features], one), _TIMED)
        return denoiser_flops(manifest) / seconds / 1e12

    def _file(self, steps: int) -> bytes:
        return self._pipeline.generate(self._captions[0], seed=0, steps=steps)[0].to_bytes("png")

    def _composition(self) -> dict[str, Any]:
        self._report("composition: the ceiling")
        scenes, indices = [p.scene for p in self._prompts], [p.index for p in self._prompts]
        ceiling = self._scores(self._yardstick.composed(scenes, indices))
        by_steps = {}
        for steps in self._steps:
            self._report(f"composition: {len(self._prompts)} pictures in {steps} steps")
            by_steps[str(steps)] = self._scores(self._draw([p.text for p in self._prompts], steps))
        return {"ceiling": ceiling, "by_steps": by_steps}

    def _scores(self, pictures: Sequence[Pixels]) -> dict[str, float]:
        judge, numbers = self._yardstick.judge, self._yardstick.numbers
        return scores(self._prompts, look(judge, pictures), numbers)

    def _held_out(self) -> dict[str, Any]:
        """Match, fidelity and memory, all of the same captions' pictures."""
        self._report("held-out scenes")
        real = self._yardstick.held_out(range(2 * self._count))
        half, other = real[: self._count], real[self._count :]
        others_KF = features_of(self._yardstick.judge, other)
        match, fidelity, memory = {}, {}, {}
        for steps in self._steps:
            self._report(f"held-out captions: {self._count} pictures in {steps} steps")
            drawn = self._draw(self._captions, steps)
            match[str(steps)] = self._match(drawn)
            fidelity[str(steps)] = frechet_distance(features_of(self._yardstick.judge, drawn), others_KF)
            if steps == self._own_steps:
                self.page = beside(drawn[:_PAGE], half[:_PAGE])
                memory = self._memory(drawn, half)
        floor = frechet_distance(features_of(self._yardstick.judge, half), others_KF)
        return {
            "match": {"ceiling": self._match(half), "by_steps": match},
            "fidelity": {"floor": floor, "by_steps": fidelity},
            "memory": memory,
            "retrieval": self._retrieval(half[:_AMONG]),
        }

    def _retrieval(self, real: Sequence[Pixels]) -> dict[str, float]:
        """How many real pictures' vectors are nearest to that of their own caption, of all these pictures'."""
        engine = self._pipeline.engine
        captions = [engine.read(text).text for text in self._captions[: len(real)]]
        texts_KV = np.stack([features.vector_D for features in engine.encode(captions)])
        best_K1, _ = candidates(self._vectors(real), texts_KV, 1)
        return {"among": len(real), "top_1": float((best_K1[:, 0] == np.arange(len(real))).mean())}

    def _match(self, pictures: Sequence[Pixels]) -> dict[str, Any]:
        whole = self._yardstick.examination
        asked = Examination(
            facts_K10F=whole.facts_K10F[: self._count],
            texts=whole.texts[: self._count],
            kinds=whole.kinds[: self._count],
        )
        return asdict(ask_judge(self._yardstick.judge, to_unit(np.stack(pictures)), asked))

    def _memory(self, drawn: Sequence[Pixels], real: Sequence[Pixels]) -> dict[str, float]:
        self._report("memory: vectors of the training scenes")
        training_NV = self._yardstick.training_vectors()
        self._report("memory: the nearest training scenes")
        found = [
            nearest(
                pictures,
                candidates(self._vectors(pictures), training_NV, min(_NEAR, len(training_NV))),
                self._yardstick.training_scenes,
            )
            for pictures in (drawn, real)
        ]
        order = np.argsort([one.distance for one in found[0]], kind="stable")[:_PAGE].tolist()
        scenes = self._yardstick.training_scenes([found[0][at].index for at in order])
        self.neighbours = beside([drawn[at] for at in order], scenes)
        return told(*found)

    def _vectors(self, pictures: Sequence[Pixels]) -> Floats:
        return np.concatenate([self._pipeline.engine.embed_image(pixels[None]) for pixels in pictures])

    def _edits(self) -> dict[str, float]:
        self._report("edits")
        yardstick = self._yardstick
        edited, unchanged, edits = [], [], []
        for prompt in self._prompts:
            if prompt.task != "single object":
                continue
            [box] = yardstick.boxes(prompt)
            edit = plan_edit(prompt, box, yardstick.vocabulary)
            if edit is None:
                continue
            source = yardstick.real(prompt)
            [picture] = self._pipeline.generate(edit.text, image=source, mask=edit.mask_HW, seed=prompt.index)
            edits.append(edit)
            edited.append(picture.pixels_HWC)
            unchanged.append(unchanged_outside(picture.pixels_HWC, source, edit.mask_HW))
        things = [yardstick.numbers.things[edit.concept.noun] for edit in edits]
        found = [
            found_inside(seen, thing, edit.mask_HW)
            for seen, thing, edit in zip(look(yardstick.judge, edited), things, edits, strict=True)
        ]
        return {"count": len(edits), "unchanged_outside": _share(unchanged), "found_inside": _share(found)}

    def _variations(self) -> dict[str, float]:
        self._report("variations")
        sources = self._yardstick.held_out(range(self._config.pictures))
        pairs = []
        for seed, source in enumerate(sources):
            one, other = self._pipeline.generate("", image=source, n=2, seed=seed)
            pairs.append((one.pixels_HWC, other.pixels_HWC))
        variations_K2V = np.stack([self._vectors(pair) for pair in pairs])
        return {"count": len(pairs)} | variations_told(self._vectors(sources), variations_K2V, pairs)


def _share(verdicts: Sequence[bool]) -> float:
    return float(np.mean(verdicts)) if verdicts else 0.0


def _training(manifest: Manifest) -> dict[str, float]:
    """What the manifest says of the training: its last line, its cost, and the judge's last word on it."""
    trace = manifest.training_trace
    last = manifest.scores.get("prompt_match", trace[-1])
    return {
        "epochs": trace[-1]["epoch"],
        "loss": last["loss"],
        "accuracy": last["accuracy"],
        "pictures": trace[-1].get("pictures", 0),
        "seconds": sum(row.get("seconds", 0.0) for row in trace),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else value
