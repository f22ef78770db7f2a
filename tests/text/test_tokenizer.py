"""`limner.text.tokenizer`: a prompt becomes tokens, and what did not fit is told.

Axes in names: T tokens.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, processors

from limner.errors import InvalidRequestError, ModelError
from limner.text.tokenizer import TokenizedText, Tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = ["a", "puppy", "play", "##ing", "with", "ball", "cafe", "sep", "[", "]", ",", "!", "##s", "שלום"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT tokenizer.json, saved like the real ones with padding and truncation of its own."""
    vocabulary = {token: number for number, token in enumerate(SPECIAL + WORDS)}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  not a password
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.enable_padding(length=6)
    tokenizer.enable_truncation(5)
    path = tmp_path_factory.mktemp("model") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="module")
def tokenizer(path: Path) -> Tokenizer:
    """The tiny tokenizer with a window of 8 tokens, two of them special."""
    return Tokenizer(path, window=8)


def spans(text: TokenizedText) -> list[tuple[str, int, int]]:
    """The words as plain tuples."""
    return [(word.word, word.start, word.stop) for word in text.words]


def test_a_prompt_becomes_padded_tokens(tokenizer: Tokenizer) -> None:
    """A short prompt gives its tokens between the special ones, then padding that the mask leaves out."""
    text = tokenizer.encode("A puppy playing")
    assert text.tokens == ("[CLS]", "a", "puppy", "play", "##ing", "[SEP]")
    assert text.ids_T.tolist() == [2, 4, 5, 6, 7, 3, 0, 0]
    assert text.ids_T.dtype == "int64"
    assert text.mask_T.tolist() == [True] * 6 + [False] * 2
    assert text.unread == ""


def test_words_are_as_written(tokenizer: Tokenizer) -> None:
    """Words keep their case and accents, punctuation is a word, and spans point at their tokens."""
    text = tokenizer.encode("Café,\n PLAYING!")
    assert spans(text) == [("Café", 1, 2), (",", 2, 3), ("PLAYING", 3, 5), ("!", 5, 6)]
    assert text.tokens[3:5] == ("play", "##ing")


def test_the_rest_is_told_exactly(tokenizer: Tokenizer) -> None:
    """The words that do not fit have empty spans, and their exact text is `unread`."""
    text = tokenizer.encode("a puppy  playing with a\tBALL, a  Café! ")
    assert text.tokens == ("[CLS]", "a", "puppy", "play", "##ing", "with", "a", "[SEP]")
    assert text.unread == "BALL, a  Café! "
    assert spans(text)[-5:] == [("BALL", 7, 7), (",", 7, 7), ("a", 7, 7), ("Café", 7, 7), ("!", 7, 7)]
    assert text.mask_T.all()


def test_a_word_cut_in_two(tokenizer: Tokenizer) -> None:
    """A word at the window's end keeps the tokens that fit, and `unread` begins inside it."""
    text = tokenizer.encode("a a a a a playing puppys")
    assert spans(text)[-2:] == [("playing", 6, 7), ("puppys", 7, 7)]
    assert text.unread == "ing puppys"


def test_exactly_full_is_all_read(tokenizer: Tokenizer) -> None:
    """A prompt that fills the window to the last token has nothing unread, trailing space or not."""
    assert tokenizer.encode("a a a a a a   ").unread == ""
    assert tokenizer.encode("a a a a a a a").unread == "a"


def test_the_empty_prompt(tokenizer: Tokenizer) -> None:
    """The empty prompt, which guidance needs, is the special tokens alone."""
    text = tokenizer.encode("")
    assert text.tokens == ("[CLS]", "[SEP]")
    assert text.words == ()


def test_special_tokens_cannot_be_smuggled_in(tokenizer: Tokenizer) -> None:
    """A prompt that spells a special token gets its letters, not the token."""
    assert tokenizer.encode("a [SEP] a").tokens == ("[CLS]", "a", "[", "sep", "]", "a", "[SEP]")


def test_right_to_left_and_emoji(tokenizer: Tokenizer) -> None:
    """Hebrew and joined emoji are words as written; what the vocabulary lacks is [UNK]."""
    text = tokenizer.encode("שלום 👩\u200d🚀 a")
    assert spans(text) == [("שלום", 1, 2), ("👩\u200d🚀", 2, 3), ("a", 3, 4)]
    assert text.tokens[1:3] == ("שלום", "[UNK]")


@pytest.mark.parametrize("prompt", ["a " * 16_000, "a!" * 16_000, "🐶" * 32_000, "x" * 32_000])
def test_the_longest_prompts(tokenizer: Tokenizer, prompt: str) -> None:
    """32,000 characters are read as far as the window goes."""
    text = tokenizer.encode(prompt)
    assert prompt.endswith(text.unread)
    assert len(text.ids_T) == 8


@settings(deadline=None, derandomize=True)
@given(
    prompt=st.text(
        st.one_of(st.sampled_from("a puppying!,\n[]é🐶ש\u200d"), st.characters(exclude_categories=["Cs"]))
    )
)
def test_any_prompt(tokenizer: Tokenizer, prompt: str) -> None:
    """For any prompt, spans tile the tokens, words stand in the prompt in order, and the rest is its end."""
    text = tokenizer.encode(prompt)
    assert prompt.endswith(text.unread)
    position, stop = 0, 1
    for word in text.words:
        position = prompt.index(word.word, position) + len(word.word)
        assert word.start == stop
        stop = word.stop
    assert stop + 1 == len(text.tokens) == text.mask_T.sum()


def test_threads_may_share_it(tokenizer: Tokenizer) -> None:
    """Long and short prompts in many threads at once give what they give alone."""
    prompts = ["a", "a puppy playing with a ball", "", "puppys " * 50] * 25
    with ThreadPoolExecutor(8) as pool:
        together = [text.tokens for text in pool.map(tokenizer.encode, prompts)]
    assert together == [tokenizer.encode(prompt).tokens for prompt in prompts]


def test_lone_surrogates_are_refused(tokenizer: Tokenizer) -> None:
    """Text that is no Unicode is refused as `prompt`."""
    with pytest.raises(InvalidRequestError, match="valid Unicode") as caught:
        tokenizer.encode("a\ud800")
    assert caught.value.param == "prompt"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A model folder without tokenizer.json gives a ModelError that names the file."""
    with pytest.raises(ModelError, match=r"tokenizer\.json is missing: fetch the model again"):
        Tokenizer(tmp_path / "tokenizer.json")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"not json", b"\xff\xfe", b'{"version": "1.0", "model": {"type": "?"}}']
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    """A tokenizer.json that cannot be understood gives a ModelError that names the file."""
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"tokenizer\.json is damaged"):
        Tokenizer(tmp_path / "tokenizer.json")


def test_a_window_without_room_is_refused(path: Path) -> None:
    """A window that the special tokens fill is refused."""
    with pytest.raises(ModelError, match="no room for a word in a window of 2 tokens"):
        Tokenizer(path, window=2)
