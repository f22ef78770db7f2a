"""The quiz's bank. Sizes and levels are the code's own, so that an answer cannot go out of date."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from limner.report.parts import shape
from limner.studio.learn.training_trace import CHOICES, TARGETS
from limner.types import EMBEDDING_LENGTH, MAX_PICTURES

__all__ = ["Question", "Topic", "questions"]

Topic: TypeAlias = Literal["stages", "order", "shapes", "training", "API", "diffusion"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question.

    Attributes:
        topic: what it is about.
        text: the question.
        right: the one right answer.
        wrong: the others.
        why: the explanation, which names the right answer or its number.
        seen: what can be seen of it in the run on screen; its fields are those of `running.numbers`.
        chapter: where to look.
    """

    topic: Topic
    text: str
    right: str
    wrong: tuple[str, str, str]
    why: str
    seen: str
    chapter: int


def questions(side: int) -> tuple[Question, ...]:
    """The whole bank, the first three first.

    Args:
        side: height and width of the model's image tensor.
    """
    return (*_first(), *_stages(side), *_shapes(side), *_diffusion(), *_training(), *_api())


def _first() -> tuple[Question, ...]:
    return (
        Question(
            topic="order",
            text="What is the first step of the pipeline?",
            right="Input text prompt",
            wrong=("Text encoding", "Image generation", "Image decoding"),
            why="Input text prompt comes first: nothing can be encoded before somebody has said something.",
            seen="In this run that was “{prompt}”, {characters} characters.",
            chapter=2,
        ),
        Question(
            topic="training",
            text="What does training lower, and what does it raise?",
            right="It lowers loss and raises accuracy",
            wrong=(
                "It lowers accuracy and raises loss",
                "It lowers both loss and accuracy",
                "It raises both loss and accuracy",
            ),
            why="It lowers loss and raises accuracy: less surprise for the judge, and more often the right caption.",
            seen="Drawing changes no weight: {model} is after your {steps} steps what it was before.",
            chapter=4,
        ),
        Question(
            topic="shapes",
            text="What is the size of the text vector?",
            right=f"{EMBEDDING_LENGTH} numbers",
            wrong=("256 numbers", f"{2 * EMBEDDING_LENGTH} numbers", "One number for each letter"),
            why=f"{EMBEDDING_LENGTH} numbers, for a short prompt and a long one alike.",
            seen="Your {characters} characters became {vector} numbers, which begin {first}.",
            chapter=2,
        ),
    )


def _stages(side: int) -> tuple[Question, ...]:
    tensor = shape((side, side, 3))
    return (
        Question(
            topic="stages",
            text="How many stages does the pipeline have?",
            right="Four",
            wrong=("Two", "Three", "Nine"),
            why="Four: input text prompt, text encoding, image generation, image decoding.",
            seen="The three that compute took {text_seconds}, {image_seconds} and {file_seconds} in your run.",
            chapter=1,
        ),
        Question(
            topic="order",
            text="Which stage comes right after text encoding?",
            right="Image generation",
            wrong=("Image decoding", "Input text prompt", "Training"),
            why="Image generation takes the vector that text encoding has just made.",
            seen="In your run it took {image_seconds}.",
            chapter=2,
        ),
        Question(
            topic="stages",
            text="What does image decoding put out?",
            right="An image file",
            wrong=("A vector", "Tokens", "Noise"),
            why="An image file: PNG, JPEG or WebP, which any program can open.",
            seen="Yours is a {format} file of {bytes} bytes.",
            chapter=2,
        ),
        Question(
            topic="stages",
            text="Which stage is the work of a diffusion model?",
            right="Image generation",
            wrong=("Text encoding", "Image decoding", "Input text prompt"),
            why="Image generation: the diffusion model takes noise away, step by step.",
            seen=f"In your run it made {{steps}} steps to a tensor {tensor}.",
            chapter=3,
        ),
        Question(
            topic="stages",
            text="What is a token?",
            right="A piece of text with a number of its own",
            wrong=("A pixel", "One denoising step", "The finished file"),
            why="A piece of text with a number of its own: often a word, sometimes a part of one.",
            seen="Your prompt was cut into {tokens} tokens, markers at its ends included.",
            chapter=2,
        ),
    )


def _shapes(side: int) -> tuple[Question, ...]:
    tensor, values = shape((side, side, 3)), f"{side * side * 3:,}"
    return (
        Question(
            topic="shapes",
            text="What shape does the image tensor have?",
            right=tensor,
            wrong=(f"{EMBEDDING_LENGTH}x3", f"{side}x{side}", "3x3x3"),
            why=f"{tensor}: rows, columns, and three colours for each pixel.",
            seen="Yours is {shape}.",
            chapter=2,
        ),
        Question(
            topic="shapes",
            text="What does the 3 at the end of the tensor's shape stand for?",
            right="Red, green and blue",
            wrong=("Three layers of the network", "Three words", "Three pictures"),
            why="Red, green and blue: three numbers make the colour of one pixel.",
            seen="So your {shape} tensor has {values} numbers.",
            chapter=2,
        ),
        Question(
            topic="shapes",
            text=f"How many numbers are there in a tensor of {tensor}?",
            right=values,
            wrong=(f"{side * side:,}", f"{EMBEDDING_LENGTH:,}", f"{side * 3:,}"),
            why=f"{side} times {side} times 3 is {values}.",
            seen="In your file they take {bytes} bytes, since {format} writes them in fewer.",
            chapter=2,
        ),
    )


def _diffusion() -> tuple[Question, ...]:
    return (
        Question(
            topic="diffusion",
            text="What does image generation start from?",
            right="Noise made from the seed",
            wrong=("A blank white page", "A photograph from the web", "The average of all pictures"),
            why="Noise made from the seed: the same seed is the same noise, and so the same picture.",
            seen="Your seed was {seed}.",
            chapter=3,
        ),
        Question(
            topic="diffusion",
            text="What does the network say at each step?",
            right="What the clean picture would be",
            wrong=("Which file format is best", "What the next word is", "How large the picture is"),
            why="What the clean picture would be, as far as it can tell; then a part of the noise goes.",
            seen="You can see all {steps} answers of your run as a film.",
            chapter=3,
        ),
        Question(
            topic="diffusion",
            text="At which time t is there nothing but noise?",
            right="At t = 1",
            wrong=("At t = 0", "At t = 0.5", "At t = 100"),
            why="At t = 1 all is noise; at t = 0 the picture is clean.",
            seen="Your run went from t = {t_first} to t = {t_last}.",
            chapter=3,
        ),
        Question(
            topic="diffusion",
            text="What does more guidance do?",
            right="It follows the prompt more strictly",
            wrong=("It makes the file smaller", "It adds more steps", "It changes the seed"),
            why="It follows the prompt more strictly, by leading away from what no prompt would give.",
            seen="Your guidance was {guidance}.",
            chapter=5,
        ),
        Question(
            topic="diffusion",
            text="The same prompt, settings and model, but another seed. What do you get?",
            right="Another picture of the same prompt",
            wrong=("The same picture", "An error", "The picture upside down"),
            why="Another picture of the same prompt: it starts from other noise.",
            seen="Seed {seed} draws the picture on screen every time.",
            chapter=5,
        ),
    )


def _training() -> tuple[Question, ...]:
    chance = 1 / CHOICES
    return (
        Question(
            topic="training",
            text=f"The judge chooses one of {CHOICES} captions. What accuracy does guessing give?",
            right=f"{chance:.2f}",
            wrong=("0.00", "0.50", f"{TARGETS['accuracy']:.2f}"),
            why=f"One of {CHOICES} is {chance:.2f}: there an untrained model stands.",
            seen="The model on screen is {model}; its own curve, where it was judged, is in the training trace.",
            chapter=4,
        ),
        Question(
            topic="training",
            text=f"What is the loss of guessing among {CHOICES} captions?",
            right=f"{math.log(CHOICES):.2f}",
            wrong=("0.00", f"{TARGETS['loss']:.2f}", f"{CHOICES:.2f}"),
            why=f"The natural logarithm of {CHOICES}, which is {math.log(CHOICES):.2f}.",
            seen="While drawing nothing is guessed and judged: your {steps} steps had no loss.",
            chapter=4,
        ),
        Question(
            topic="training",
            text="What is an epoch?",
            right="One round of training, after which the model is judged",
            wrong=("One denoising step", "One pixel", "One request to the server"),
            why="One round of training, after which the model is judged; each is one row of the training trace.",
            seen="The {steps} steps of your run are no epochs: they taught the model nothing.",
            chapter=4,
        ),
        Question(
            topic="training",
            text="What does the denoiser learn from?",
            right="Pictures with noise mixed in",
            wrong=("Your prompts on this page", "The files you download", "The judge's own pictures"),
            why="Pictures with noise mixed in: it must say what the clean picture was.",
            seen="Your prompt “{prompt}” was drawn, and taught it nothing.",
            chapter=4,
        ),
    )


def _api() -> tuple[Question, ...]:
    return (
        Question(
            topic="API",
            text="What must change in a program written for OpenAI's client?",
            right="The base URL",
            wrong=("The programming language", "Every line", "The prompt"),
            why="The base URL: the client then asks limner instead.",
            seen="The code for your picture, seed {seed}, is ready to copy.",
            chapter=6,
        ),
        Question(
            topic="API",
            text="Which address draws pictures from words?",
            right="POST /v1/images/generations",
            wrong=("GET /v1/pictures", "POST /v1/chat/completions", "DELETE /v1/images"),
            why="POST /v1/images/generations, as in OpenAI's Images API.",
            seen="With seed {seed}, {steps} steps and guidance {guidance} it gives your picture again.",
            chapter=6,
        ),
        Question(
            topic="API",
            text="How many pictures may one request ask for?",
            right=f"Up to {MAX_PICTURES}",
            wrong=("Only 1", "Up to 3", "Up to 1,000"),
            why=f"Up to {MAX_PICTURES}, each with a seed of its own.",
            seen="The seed of the one on screen is {seed}.",
            chapter=6,
        ),
        Question(
            topic="API",
            text="What happens to a field that limner cannot honour?",
            right="It is refused or set aside in the open",
            wrong=("It is ignored without a word", "The server stops", "It is sent to another server"),
            why="It is refused or set aside in the open: nothing is silently ignored.",
            seen="Every setting of your run was honoured: {steps} steps, guidance {guidance}, seed {seed}.",
            chapter=6,
        ),
    )
