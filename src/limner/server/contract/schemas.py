"""What answers look like, for the OpenAPI document and for the routes that answer small JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "MAX_INPUTS",
    "Batch",
    "BatchCounts",
    "BatchError",
    "BatchErrors",
    "BatchList",
    "BatchRequest",
    "Completed",
    "Deleted",
    "ErrorDetail",
    "ErrorEnvelope",
    "ErrorEvent",
    "File",
    "FileList",
    "ImagesResponse",
    "Model",
    "ModelList",
    "Moderation",
    "ModerationPart",
    "ModerationRequest",
    "ModerationResult",
    "OutputLifetime",
    "PartialImage",
    "Picture",
    "TokenDetails",
    "Usage",
]

MAX_INPUTS = 1000
"""So many texts, or parts of one, can be judged at once."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorDetail(_Shape):
    """What went wrong."""

    model_config = ConfigDict(extra="allow")

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(_Shape):
    """Every answer with a status of 400 or above."""

    error: ErrorDetail


class TokenDetails(_Shape):
    """Of which kind tokens are."""

    image_tokens: int
    text_tokens: int


class Usage(_Shape):
    """Tokens of all pictures of an answer together."""

    input_tokens: int
    input_tokens_details: TokenDetails
    output_tokens: int
    output_tokens_details: TokenDetails
    total_tokens: int


class Picture(_Shape):
    """One picture: `b64_json` or `url`."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = Field(None, description="What was really drawn; for dall-e-3.")
    seed: int = Field(description="Draws this very picture again; limner's own.")
    trace: dict[str, Any] | None = Field(None, description="How it came about; limner's own, if asked for.")


class ImagesResponse(_Shape):
    """The pictures; what follows `data` is not there for dall-e-2 and dall-e-3."""

    created: int
    data: list[Picture]
    background: Literal["transparent", "opaque"] | None = None
    output_format: Literal["png", "webp", "jpeg"] | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    size: str | None = None
    usage: Usage | None = None
    safety_identifier: str | None = None


class PartialImage(_Shape):
    """A preview."""

    type: Literal["image_generation.partial_image", "image_edit.partial_image"]
    partial_image_index: int
    b64_json: str
    created_at: int
    size: str
    quality: str
    background: str
    output_format: str


class Completed(_Shape):
    """The finished picture, and the end of the stream."""

    type: Literal["image_generation.completed", "image_edit.completed"]
    b64_json: str
    created_at: int
    usage: Usage
    size: str
    quality: str
    background: str
    output_format: str
    seed: int
    safety_identifier: str | None = None
    trace: dict[str, Any] | None = None


class ErrorEvent(ErrorEnvelope):
    """What went wrong after the first byte, and the end of the stream."""

    type: Literal["error"]


class Model(_Shape):
    """A name of a model, what it can do, and whether it is loaded."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    shutdown_date: str | None
    capabilities: dict[str, Any]


class ModelList(_Shape):
    """All names."""

    object: Literal["list"]
    data: list[Model]


class ModerationPart(BaseModel):
    """A part of one multi-modal input; parts of other types are refused."""

    type: Literal["text"]
    text: str


_Texts: TypeAlias = Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)]
_Parts: TypeAlias = Annotated[list[ModerationPart], Field(min_length=1, max_length=MAX_INPUTS)]


class ModerationRequest(BaseModel):
    """What is to be judged."""

    input: str | _Texts | _Parts
    model: Any = Field("omni-moderation-latest", description="There is one guard, whatever is said here.")


class ModerationResult(_Shape):
    """What the guard thinks of one text."""

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[str]]


class Moderation(_Shape):
    """What the guard thinks."""

    id: str
    model: str
    results: list[ModerationResult]


class File(_Shape):
    """An uploaded file."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int | None = Field(None, description="Not there if the file stays until it is deleted.")
    filename: str
    purpose: str
    status: str


class FileList(_Shape):
    """A page of files."""

    object: Literal["list"]
    data: list[File]
    has_more: bool
    first_id: str | None
    last_id: str | None


class Deleted(_Shape):
    """A file that is no more."""

    id: str
    object: Literal["file"]
    deleted: bool


class OutputLifetime(_Shape):
    """How long the files that a batch puts out are kept; 30 days unless it is said."""

    anchor: Literal["created_at"]
    seconds: int = Field(ge=3600, le=2_592_000)


class BatchRequest(_Shape):
    """What a batch is to be made of."""

    input_file_id: str = Field(description="A file that was uploaded for the purpose `batch`.")
    endpoint: Literal["/v1/images/generations", "/v1/images/edits"]
    completion_window: Literal["24h"]
    metadata: Annotated[dict[str, Annotated[str, Field(max_length=512)]], Field(max_length=16)] | None = None
    output_expires_after: OutputLifetime | None = None


class BatchCounts(_Shape):
    """The lines of a batch."""

    total: int
    completed: int
    failed: int


class BatchError(_Shape):
    """What is wrong with a line, or with all of them."""

    code: str
    line: int | None
    message: str
    param: str | None


class BatchErrors(_Shape):
    """Why a batch did not even begin."""

    object: Literal["list"]
    data: list[BatchError]


class Batch(_Shape):
    """A list of calls and where it stands; times are seconds since 1970."""

    id: str
    object: Literal["batch"]
    endpoint: str
    errors: BatchErrors | None
    input_file_id: str
    completion_window: str
    status: Literal[
        "validating",
        "failed",
        "in_progress",
        "finalizing",
        "completed",
        "expired",
        "cancelling",
        "cancelled",
    ]
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: BatchCounts
    metadata: dict[str, str] | None


class BatchList(_Shape):
    """A page of batches, the newest first."""

    object: Literal["list"]
    data: list[Batch]
    has_more: bool
    first_id: str | None
    last_id: str | None
