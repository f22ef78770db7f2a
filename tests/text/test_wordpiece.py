"""`limner.text.wordpiece`: token by token and place by place what the `tokenizers` library says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import normalizers, pre_tokenizers

import limner
from limner.errors import ModelError
from limner.text.wordpiece import WordPiece, read_wordpiece
from limner.training.dataset import load_vocabulary
from limner.training.scenes.captions import caption
from limner.training.scenes.concepts import data_folder
from limner.training.scenes.spec import SceneSampler, scene_random

Facts = list[tuple[int, str, int | None, tuple[int, int]]]
Change = Callable[[dict[str, Any]], object]

SHIPPED = Path(limner.__file__).parent / "models" / "limner-2" / "tokenizer.json"

HARD = [
    *("", " ", "\n\t \r\n", "\0", "\ufffd", "\u200d", "\u0301", " \u0301 \u200d ", "\ufeffa", "a\u00adb"),
    *("Café", "cafe\u0301", "\u0301cafe", "A\u030angstro\u0308m", "e\u0301\u0323\u0300e", "naïve RÉSUMÉ"),
    *(
        "İstanbul",
        "ΑΣ Σ",
        "Straße ẞ",
        "ﬁn ﬀ ½ ² Ⅷ",
        "\uff46\uff55\uff4c\uff4c",
        "\u1fef\u037e",
        "\U0001d401a",
    ),
    *("a\u00a0b", "a\u3000b\u2028c\u2029d\u0085e", "a\u200bb", "a\x1cb\x1fc", "a\x7fc\ufffdd", "a\x0bb\x0cc"),
    *("日本語のpuppy", "豈\uf900\U0002f800a", "\U0002b81f\U0002b820\U0002b920", "ｶﾞｶ\u3099", "한국어"),
    *("\u1112\u1161\u11ab", "שָׁלוֹם", "مَرْحَبًا", "नमस्ते", "สวัสดี", "\u202eabc\u202c"),
    *("\u302e\U0001d165 a\U0001d165\u302eb", "\ue000a", "\U000e0041a", "\u0378a"),
    *("🐶", "👩\u200d🚀 a", "❤\ufe0f", "🇩🇪", "👍🏽!", "1\ufe0f\u20e3", "a🐶b"),
    *("[SEP]", "[CLS] a [PAD][MASK]", "[UNK]", "##ing", "a##b", "don't", "a--b...c", "$5+tax=x^2", "`~|<>"),
    *("unaffable", "Puppyplayingball", "telecommunications" * 5, "zqj" * 33, "한" * 34, "a!" * 50),
    *("a" * 100, "a" * 101, "é" * 100, "e\u0301" * 101, "x" * 1000),
]

FLAGS = list(product([True, False], [True, False], [True, False, None], [True, False]))

# Unicode has moved these between letters, marks and punctuation since the library's table.
MOVED = "\u166d\u1734\U000111c9"


@cache
def newer(character: str) -> bool:
    """Whether it is an accent, format control or punctuation mark that the library's table does not know yet."""
    if character in MOVED:
        return True
    if category(character) not in {"Mn", "Cf"} and category(character)[0] != "P":
        return False
    word = f"a{character}b"
    is_letter = len(pre_tokenizers.BertPreTokenizer().pre_tokenize_str(word)) == 1
    return is_letter and normalizers.BertNormalizer().normalize_str(word) == word


def library(source: str) -> tokenizers.Tokenizer:
    """The library's tokenizer as limner used to set it up."""
    reference = tokenizers.Tokenizer.from_str(source)
    reference.no_padding()
    reference.no_truncation()
    reference.encode_special_tokens = True
    return reference


@pytest.fixture(scope="module")
def reference() -> tokenizers.Tokenizer:
    """The library's tokenizer from the shipped file."""
    return library(SHIPPED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ours() -> WordPiece:
    """Ours from the same file."""
    return read_wordpiece(SHIPPED)


def expected(reference: tokenizers.Tokenizer, text: str) -> Facts:
    """Number, token, word and place of each of the library's tokens."""
    found = reference.encode(text, add_special_tokens=False)
    return list(zip(found.ids, found.tokens, found.word_ids, found.offsets, strict=True))


def facts(wordpiece: WordPiece, text: str) -> Facts:
    """The same of our tokens."""
    return [
        (wordpiece.vocabulary[piece.token], piece.token, piece.word, (piece.start, piece.stop))
        for piece in wordpiece.encode(text)
    ]


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[Change], Path]:
    """Writes the shipped tokenizer.json after a change."""

    def write(change: Change) -> Path:
        config = json.loads(SHIPPED.read_bytes())
        change(config)
        path = tmp_path / "tokenizer.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        return path

    return write


def test_captions_are_equal(reference: tokenizers.Tokenizer, ours: WordPiece) -> None:
    """Two thousand captions of the project's own scenes give the library's tokens at the library's places."""
    sampler = SceneSampler(load_vocabulary(data_folder()))
    wording = sampler.vocabulary.wording
    for index in range(2000):
        text = caption(sampler.sample(3, index), wording, scene_random(6, index))
        assert facts(ours, text) == expected(reference, text), text


@pytest.mark.parametrize("text", HARD, ids=ascii)
def test_hard_cases_are_equal(reference: tokenizers.Tokenizer, ours: WordPiece, text: str) -> None:
    """Accents, scripts, joiners, controls, blanks, signs and long words: all as the library has them."""
    assert facts(ours, text) == expected(reference, text)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(data=st.data())
def test_any_text_is_equal(reference: tokenizers.Tokenizer, ours: WordPiece, data: st.DataObject) -> None:
    """Any mixture of any characters, hard cases and words of the vocabulary is as the library has it."""
    characters = st.characters(exclude_categories=["Cs"]).filter(lambda character: not newer(character))
    words = st.sampled_from(sorted(ours.vocabulary))
    parts = st.one_of(st.sampled_from(HARD), st.text(characters), words, st.sampled_from(" \n,"))
    text = "".join(data.draw(st.lists(parts)))
    assert facts(ours, text) == expected(reference, text)


def test_every_character_is_equal(reference: tokenizers.Tokenizer, ours: WordPiece) -> None:
    """Each character that both tables of Unicode know, inside a word, is treated as by the library."""
    known = [chr(code) for code in range(sys.maxunicode + 1) if category(chr(code)) not in {"Cn", "Co", "Cs"}]
    shared = [character for character in known if not newer(character)]
    assert len(shared) > 0.99 * len(known)
    for first in range(0, len(shared), 1000):
        text = " ".join(f"a{character}b" for character in shared[first : first + 1000])
        assert facts(ours, text) == expected(reference, text)


@pytest.mark.parametrize("flags", FLAGS, ids=str)
def test_the_flags_are_obeyed(flags: tuple[bool | None, ...], edited: Callable[[Change], Path]) -> None:
    """Cleaning, ideographs, accents and case are as the file says, in every combination."""
    names = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    path = edited(lambda config: config["normalizer"].update(zip(names, flags, strict=True)))
    reference, ours = library(path.read_text(encoding="utf-8")), read_wordpiece(path)
    for text in HARD:
        assert facts(ours, text) == expected(reference, text), text


def test_special_tokens_frame_a_text(reference: tokenizers.Tokenizer, ours: WordPiece) -> None:
    """What goes before and after a text is what the library puts there."""
    assert (*ours.opening, *ours.closing) == tuple(reference.encode("").tokens)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda config: config["model"].update(type="BPE"), "its model is BPE, not WordPiece"),
        (lambda config: config["normalizer"].update(type="NFC"), "its normalizer is NFC"),
        (lambda config: config["pre_tokenizer"].update(type="Split"), "its pre_tokenizer is Split"),
        (lambda config: config.update(post_processor=None), "NoneType"),
        (lambda config: config["normalizer"].update(width=1), "width"),
        (lambda config: config["added_tokens"][0].update(special=False), "added tokens that are not special"),
        (lambda config: config["model"]["vocab"].pop("[UNK]"), "its vocabulary"),
        (lambda config: config["model"]["vocab"].update(a="1"), "its vocabulary"),
        (lambda config: config["model"]["vocab"].update({"[CLS]": 7}), "its special tokens"),
        (lambda config: config["post_processor"]["single"].pop(1), "is not in list"),
    ],
)
def test_another_kind_is_refused(
    change: Change,
    reason: str,
    edited: Callable[[Change], Path],
) -> None:
    """A file that our few rules do not cover is refused with the reason, never read as something near."""
    with pytest.raises(ModelError, match=f"not a BERT WordPiece tokenizer .*{reason}"):
        read_wordpiece(edited(change))
