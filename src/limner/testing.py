"""What every engine must do, whoever wrote it: one suite, subclassed once per engine. It needs pytest.

::

    # conftest.py: failures are explained as in any other test
    pytest_plugins = ["limner.testing"]

    # test_my_engine.py
    class TestMyEngine(EngineContract):
        @pytest.fixture
        def engine(self) -> Engine:
            return MyEngine()

Axes in names: B batch, T tokens, D embedding, C channels, H height, W width (h, w on the latent grid).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limner.diffusion.noise import noise
from limner.engines.base import Engine, Inpaint
from limner.engines.shapes import picture_size
from limner.errors import LimnerError
from limner.imaging.resize import stretch
from limner.types import EMBEDDING_LENGTH, Floats, Pixels, TextFeatures

__all__ = ["EngineContract", "gradients", "noisy", "shapes_of"]

PROMPTS = ("A cute puppy playing with a ball in the park", "a red boat", "three cats under a tree, at night")
TIMES = (0.9, 0.5, 0.2)


def noisy(
    engine: Engine, shape: tuple[int, ...] | None = None
) -> tuple[Floats, Floats, list[TextFeatures], Floats]:
    """Three pictures at three times with three prompts, without guidance: what `denoise` takes."""
    x_BChw = np.stack([noise(seed, shape or engine.capabilities.latent_shape) for seed in range(3)])
    return x_BChw, np.array(TIMES, np.float32), engine.encode(PROMPTS), np.ones(3, np.float32)


def shapes_of(engine: Engine) -> list[tuple[int, int, int]]:
    """Every shape (C, h, w) that the model draws, its own first."""
    own, others = engine.capabilities.latent_shape, engine.capabilities.shapes
    return [own, *((own[0], h, w) for h, w in others)]


def gradients(engine: Engine, shape: tuple[int, ...] | None = None) -> Pixels:
    """Two smooth pictures of the size of a shape, neither with black or white in it."""
    width, height = picture_size(engine.capabilities, shape or engine.capabilities.latent_shape)
    down_HW, along_HW = np.mgrid[0:height, 0:width] / max(width, height)
    one_HWC = np.stack([down_HW, along_HW, 1 - down_HW], axis=-1)
    other_HWC = np.stack([along_HW, 1 - along_HW, (down_HW + along_HW) / 2], axis=-1)
    pixels: Pixels = (64 + 128 * np.stack([one_HWC, other_HWC])).astype(np.uint8)
    return pixels


class EngineContract:
    """A subclass gives the fixture `engine`, with a model open, and, where its kernels need it, wider tolerances.

    Attributes:
        rounding: how far two ways to the same number may lie apart.
        batch_tolerance: how far an engine that is not batch invariant may stray; stated, and measured here.
        round_trip_levels: mean difference, in levels of 255, after `encode_image` and `decode`.
        upscaled_levels: mean difference, in levels of 255, from a smooth picture that was enlarged plainly.
        straight_guidance: guidance leads along a straight line, as it does for all but a few models.
    """

    rounding = 1e-4
    batch_tolerance = 1e-2
    round_trip_levels = 8.0
    upscaled_levels = 4.0
    straight_guidance = True

    def assert_alike(self, engine: Engine, one: Floats, other: Floats) -> None:
        """Equal to the bit if the engine says that batches make no difference, else within its tolerance."""
        if engine.capabilities.batch_invariant:
            np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_allclose(one, other, atol=self.batch_tolerance)

    # Stage 2: encode

    def test_a_prompt_becomes_a_unit_vector_of_1024(self, engine: Engine) -> None:
        """The vector is float32, of length 1024 and of norm 1."""
        for features in engine.encode(PROMPTS):
            assert features.vector_D.shape == (EMBEDDING_LENGTH,)
            assert features.vector_D.dtype == np.float32
            assert np.linalg.norm(features.vector_D) == pytest.approx(1.0, abs=1e-4)

    def test_token_states_stand_where_the_mask_says(self, engine: Engine) -> None:
        """States are float32, as many as the mask is long, and zero where no token stands."""
        for features, prompt in zip(engine.encode(PROMPTS), PROMPTS, strict=True):
            assert features.prompt == prompt
            assert features.states_TD.dtype == np.float32
            assert features.states_TD.shape[0] == features.mask_T.size
            assert features.mask_T.sum() == len(features.tokens)
            assert not features.states_TD[~features.mask_T].any()

    def test_words_point_at_their_tokens(self, engine: Engine) -> None:
        """Every word stands in the prompt and has at least one token, all of them under the mask."""
        for features in engine.encode(PROMPTS):
            assert features.words
            for span in features.words:
                assert span.word in features.prompt
                assert span.start < span.stop
                assert features.mask_T[span.start : span.stop].all()

    def test_a_short_prompt_is_read_whole(self, engine: Engine) -> None:
        """Nothing is unread when all fits."""
        assert [features.unread for features in engine.encode(PROMPTS)] == ["", "", ""]

    def test_a_long_prompt_tells_what_was_not_read(self, engine: Engine) -> None:
        """`unread` is the prompt's end, and the words in it have no tokens."""
        prompt = " ".join(["boat"] * 600)
        [features] = engine.encode([prompt])
        assert features.unread
        assert prompt.endswith(features.unread)
        assert features.words[-1].start == features.words[-1].stop

    @pytest.mark.parametrize("prompt", ["🐶🎾", "كلب صغير في الحديقة", "小狗在公园", "a" * 500, "?!"])
    def test_any_script_is_encoded(self, engine: Engine, prompt: str) -> None:
        """Emoji, right-to-left text, text without spaces and mere signs all give a unit vector."""
        [features] = engine.encode([prompt])
        assert np.linalg.norm(features.vector_D) == pytest.approx(1.0, abs=1e-4)

    def test_different_prompts_have_different_vectors(self, engine: Engine) -> None:
        """No two of the prompts point the same way."""
        vectors_BD = np.stack([features.vector_D for features in engine.encode(PROMPTS)])
        assert (vectors_BD @ vectors_BD.T)[~np.eye(3, dtype=bool)].max() < 0.999

    def test_a_prompt_is_encoded_alike_alone_and_among_others(self, engine: Engine) -> None:
        """Neither vector nor states depend on the prompts beside it."""
        for together, prompt in zip(engine.encode(PROMPTS), PROMPTS, strict=True):
            [alone] = engine.encode([prompt])
            self.assert_alike(engine, alone.vector_D, together.vector_D)
            self.assert_alike(engine, alone.states_TD, together.states_TD)

    def test_no_prompts_give_no_features(self, engine: Engine) -> None:
        """An empty list is encoded to an empty list."""
        assert engine.encode([]) == []

    # Stage 3: denoise

    def test_the_estimate_has_the_shape_of_x(self, engine: Engine) -> None:
        """It is float32 and finite, at every time from pure noise to clean, whichever of the model's shapes x has."""
        for shape in shapes_of(engine):
            x_BChw, _, features, guidance_B = noisy(engine, shape)
            x0_BChw = engine.denoise(x_BChw, np.array([1.0, 0.5, 0.0], np.float32), features, guidance_B)
            assert x0_BChw.shape == x_BChw.shape
            assert x0_BChw.dtype == np.float32
            assert np.isfinite(x0_BChw).all()

    def test_the_same_look_twice_sees_the_same(self, engine: Engine) -> None:
        """Denoising draws no random numbers and keeps nothing between calls."""
        look = noisy(engine)
        first = engine.denoise(*look)
        engine.denoise(*look[:3], np.full(3, 4.0, np.float32))
        np.testing.assert_array_equal(engine.denoise(*look), first)

    def test_a_picture_is_seen_alike_alone_and_among_others(self, engine: Engine) -> None:
        """An estimate depends on its own x, time, prompt and guidance only."""
        for shape in shapes_of(engine):
            x_BChw, t_B, features, _ = noisy(engine, shape)
            guidance_B = np.array([1.0, 3.0, 1.0], np.float32)
            together = engine.denoise(x_BChw, t_B, features, guidance_B)
            for i in range(3):
                one = slice(i, i + 1)
                alone = engine.denoise(x_BChw[one], t_B[one], features[one], guidance_B[one])
                self.assert_alike(engine, alone[0], together[i])

    def test_what_is_asked_for_is_left_as_it_is(self, engine: Engine) -> None:
        """The engine writes into none of its inputs."""
        x_BChw, t_B, features, guidance_B = noisy(engine)
        engine.denoise(x_BChw, t_B, features, guidance_B)
        x_again_BChw, t_again_B, _, guidance_again_B = noisy(engine)
        np.testing.assert_array_equal(x_BChw, x_again_BChw)
        np.testing.assert_array_equal(t_B, t_again_B)
        np.testing.assert_array_equal(guidance_B, guidance_again_B)

    def test_the_prompt_and_the_time_make_a_difference(self, engine: Engine) -> None:
        """Another prompt, or another time, gives another estimate."""
        x_BChw, t_B, features, guidance_B = noisy(engine)
        x0_BChw = engine.denoise(x_BChw, t_B, features, guidance_B)
        others = engine.denoise(x_BChw, t_B, features[::-1], guidance_B)
        later = engine.denoise(x_BChw, np.array([0.8, 0.4, 0.1], np.float32), features, guidance_B)
        assert not np.allclose(x0_BChw[0], others[0], atol=self.rounding)
        assert not np.allclose(x0_BChw, later, atol=self.rounding)

    def test_guidance_goes_on_in_a_straight_line(self, engine: Engine) -> None:
        """The estimate is affine in the guidance, and at 1 it is the unguided one: equation 6 of CFG."""
        x_BChw, t_B, features, ones_B = noisy(engine)
        unguided, double, triple = (
            engine.denoise(x_BChw, t_B, features, np.full_like(ones_B, scale)) for scale in (1, 2, 3)
        )
        assert not np.allclose(unguided, double, atol=self.rounding)
        assert not np.allclose(double, triple, atol=self.rounding)
        if self.straight_guidance:
            np.testing.assert_allclose(triple - unguided, 2 * (double - unguided), atol=10 * self.rounding)

    def test_guidance_leads_away_from_the_negative_prompt(self, engine: Engine) -> None:
        """A negative prompt takes the place of no prompt; without guidance it is not looked at."""
        x_BChw, t_B, features, ones_B = noisy(engine)
        [other] = engine.encode(["a green boat"])
        away = [replace(feature, negative=other) for feature in features]
        others = engine.denoise(x_BChw, t_B, [other] * len(features), ones_B)
        plain = engine.denoise(x_BChw, t_B, features, ones_B)
        np.testing.assert_allclose(engine.denoise(x_BChw, t_B, away, ones_B), plain, atol=self.rounding)
        led = engine.denoise(x_BChw, t_B, away, 3 * ones_B)
        assert not np.allclose(led, plain, atol=self.rounding)
        if self.straight_guidance:
            np.testing.assert_allclose(led, 3 * plain - 2 * others, atol=10 * self.rounding)

    def test_a_vector_without_tokens_draws_too(self, engine: Engine) -> None:
        """A picture's own vector in place of a prompt: finite estimates and attention."""
        x_BChw, t_B, features, guidance_B = noisy(engine)
        wordless = [
            replace(
                each, states_TD=0 * each.states_TD, mask_T=np.zeros_like(each.mask_T), tokens=(), words=()
            )
            for each in features
        ]
        assert np.isfinite(engine.denoise(x_BChw, t_B, wordless, 2 * guidance_B)).all()
        assert np.isfinite(engine.attend(x_BChw, t_B, wordless)).all()

    def test_states_beyond_the_mask_are_not_looked_at(self, engine: Engine) -> None:
        """Whatever stands where no token is changes neither estimate nor attention."""
        x_BChw, t_B, features, guidance_B = noisy(engine)
        scribbled = [_scribbled(feature) for feature in features]
        np.testing.assert_allclose(
            engine.denoise(x_BChw, t_B, scribbled, guidance_B),
            engine.denoise(x_BChw, t_B, features, guidance_B),
            atol=self.rounding,
        )
        np.testing.assert_allclose(
            engine.attend(x_BChw, t_B, scribbled), engine.attend(x_BChw, t_B, features), atol=self.rounding
        )

    def test_nothing_known_is_no_inpainting(self, engine: Engine) -> None:
        """A mask of zeros gives what no mask gives, whatever it is that is not known."""
        for shape in shapes_of(engine):
            look = noisy(engine, shape)
            nothing = Inpaint(known_BChw=np.ones_like(look[0]), mask_B1hw=np.zeros_like(look[0][:, :1]))
            np.testing.assert_allclose(
                engine.denoise(*look, nothing), engine.denoise(*look), atol=self.rounding
            )

    def test_inpainting_gives_an_estimate_too(self, engine: Engine) -> None:
        """With half of the picture known the estimate is finite and of the same shape."""
        for shape in shapes_of(engine):
            look = noisy(engine, shape)
            mask_B1hw = np.zeros_like(look[0][:, :1])
            mask_B1hw[..., : mask_B1hw.shape[-1] // 2] = 1.0
            x0_BChw = engine.denoise(*look, Inpaint(known_BChw=mask_B1hw * look[0], mask_B1hw=mask_B1hw))
            assert x0_BChw.shape == look[0].shape
            assert np.isfinite(x0_BChw).all()

    def test_an_empty_batch_is_empty_or_refused(self, engine: Engine) -> None:
        """No pictures give no estimates or a limner error, never a crash of another library."""
        x_BChw, t_B, _, guidance_B = noisy(engine)
        try:
            x0_BChw = engine.denoise(x_BChw[:0], t_B[:0], [], guidance_B[:0])
        except LimnerError:
            return
        assert x0_BChw.shape == x_BChw[:0].shape

    def test_attention_is_a_distribution_over_the_tokens(self, engine: Engine) -> None:
        """At each location it sums to 1, is nowhere negative, and is zero where no token stands."""
        for shape in shapes_of(engine):
            x_BChw, t_B, features, _ = noisy(engine, shape)
            attention_BThw = engine.attend(x_BChw, t_B, features)
            assert attention_BThw.shape[:2] == (3, features[0].mask_T.size)
            assert attention_BThw.dtype == np.float32
            assert (attention_BThw >= 0).all()
            np.testing.assert_allclose(attention_BThw.sum(axis=1), 1.0, atol=1e-3)
            for attention_Thw, feature in zip(attention_BThw, features, strict=True):
                assert attention_Thw[~feature.mask_T].sum() == pytest.approx(0.0, abs=1e-6)

    # Stage 3 to pixels, and back

    def test_pictures_are_bytes_of_the_stated_size(self, engine: Engine) -> None:
        """`decode` gives uint8 (B, H, W, 3), whatever the numbers in x are, and the same twice."""
        for shape in shapes_of(engine):
            x_BChw = 10 * noisy(engine, shape)[0]
            pixels_BHWC = engine.decode(x_BChw)
            width, height = picture_size(engine.capabilities, shape)
            assert pixels_BHWC.shape == (3, height, width, 3)
            assert pixels_BHWC.dtype == np.uint8
            np.testing.assert_array_equal(engine.decode(x_BChw), pixels_BHWC)

    def test_a_picture_is_decoded_alike_alone_and_among_others(self, engine: Engine) -> None:
        """Pixels are the same in any batch, or a level apart where the engine says that they may be."""
        allowed = 0 if engine.capabilities.batch_invariant else 1
        for shape in shapes_of(engine):
            x_BChw = noisy(engine, shape)[0]
            together = engine.decode(x_BChw).astype(np.int16)
            for i in range(3):
                assert np.abs(engine.decode(x_BChw[i : i + 1])[0] - together[i]).max() <= allowed

    def test_a_picture_survives_the_way_in_and_out(self, engine: Engine) -> None:
        """A smooth picture comes back from `encode_image` and `decode` much as it was."""
        for shape in shapes_of(engine):
            pixels_BHWC = gradients(engine, shape)
            x0_BChw = engine.encode_image(pixels_BHWC)
            assert x0_BChw.shape == (2, *shape)
            assert x0_BChw.dtype == np.float32
            difference = engine.decode(x0_BChw).astype(np.float32) - pixels_BHWC
            assert np.abs(difference).mean() < self.round_trip_levels

    def test_pictures_become_twice_as_large_where_the_engine_can(self, engine: Engine) -> None:
        """`upscale` gives uint8 (B, 2 H, 2 W, 3) of multiples of 8, smooth pictures much as they were; or an error."""
        pixels_BHWC = gradients(engine)[:, :32, :48]
        if not engine.capabilities.upscales:
            with pytest.raises(LimnerError):
                engine.upscale(pixels_BHWC)
            return
        larger_BHWC = engine.upscale(pixels_BHWC)
        assert larger_BHWC.shape == (2, 64, 96, 3)
        assert larger_BHWC.dtype == np.uint8
        np.testing.assert_array_equal(engine.upscale(pixels_BHWC), larger_BHWC)
        for pixels_HWC, larger_HWC in zip(pixels_BHWC, larger_BHWC, strict=True):
            difference = stretch(pixels_HWC, (96, 64)).astype(np.float32) - larger_HWC
            assert np.abs(difference).mean() < self.upscaled_levels

    def test_a_picture_is_enlarged_alike_alone_and_among_others(self, engine: Engine) -> None:
        """Pixels are the same in any batch, or a level apart where the engine says that they may be."""
        if not engine.capabilities.upscales:
            pytest.skip("this engine has no upscaler")
        pixels_BHWC = gradients(engine)
        together = engine.upscale(pixels_BHWC).astype(np.int16)
        allowed = 0 if engine.capabilities.batch_invariant else 1
        for i in range(2):
            assert np.abs(engine.upscale(pixels_BHWC[i : i + 1])[0] - together[i]).max() <= allowed

    def test_pictures_have_unit_vectors_too(self, engine: Engine) -> None:
        """`embed_image` gives float32 (B, 1024) of norm 1: the same twice, others for other pictures."""
        pixels_BHWC = gradients(engine)
        vectors_BD = engine.embed_image(pixels_BHWC)
        assert vectors_BD.shape == (2, EMBEDDING_LENGTH)
        assert vectors_BD.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors_BD, axis=1), 1.0, atol=1e-4)
        np.testing.assert_array_equal(engine.embed_image(pixels_BHWC), vectors_BD)
        assert vectors_BD[0] @ vectors_BD[1] < 0.999

    def test_plain_pictures_have_vectors(self, engine: Engine) -> None:
        """Black, grey and white are pictures like any other."""
        width, height = engine.capabilities.picture_size
        plain_BHWC = np.stack([np.full((height, width, 3), level, np.uint8) for level in (0, 128, 255)])
        np.testing.assert_allclose(np.linalg.norm(engine.embed_image(plain_BHWC), axis=1), 1.0, atol=1e-4)


def _scribbled(features: TextFeatures) -> TextFeatures:
    states_TD = features.states_TD.copy()
    states_TD[~features.mask_T] = 5.0
    return replace(features, states_TD=states_TD)
