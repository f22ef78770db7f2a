"""OpenVINO GenAI's Stable Diffusion pipeline, with limner's own networks in it: nothing is downloaded.

The pipeline takes any three graphs that have its names: a text encoder from token ids to states, a "UNet" from
latents, a time and states to noise, and a decoder. Here they are limner's text encoder, its denoiser and its
decoder, as they were trained, compiled for latency and in its fixed shapes. Its scheduler asks them other questions
than limner's, so that what it draws is noise. It takes as long as a picture.

Axes in names: B batch, T prompt tokens, D prompt token width, C latent channels, h, w latent grid.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import openvino as ov
import torch
from PIL import Image
from safetensors.numpy import load_file
from torch import Tensor, nn

from bench.peers.networks import folder, measured_size, sizes, tokenizer
from limner.network.autoencoder import AutoencoderConfig, PatchAutoencoder
from limner.network.denoiser import Denoiser, DenoiserConfig
from limner.network.text_encoder import TextEncoder, TextEncoderConfig
from limner.network.weights import widened

__all__ = ["NAME", "GenAI", "write_graph", "write_tokenizer"]

NAME = "OpenVINO GenAI's Text2ImagePipeline"

_SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
}
_SCHEDULER |= {"beta_end": 0.012, "num_train_timesteps": 1000, "timestep_spacing": "trailing"}
_INDEX = {"_class_name": "StableDiffusionPipeline"}
_PARTS = {"text_encoder": "CLIPTextModel", "unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
# Its scheduler counts a thousand times, limner's network from 0 to 1.
_TIMES = 1000


class GenAI:
    """One pipeline of OpenVINO GenAI.

    Attributes:
        size: of its denoiser.
    """

    def __init__(self) -> None:
        self._genai, self._sizes = import_module("openvino_genai"), sizes()
        window, shape = self._sizes["window"], self._sizes["denoiser"]
        latents = torch.zeros(1, shape["channels"], shape["grid"], shape["grid"])
        states = torch.zeros(1, window, shape["text_width"])
        unet = _Unet(shape)
        self.size = measured_size(unet, latents, torch.zeros(1), states)
        with TemporaryDirectory() as name, warnings.catch_warnings():
            # torch's tracer warns of every size that a network compares.
            warnings.simplefilter("ignore")
            root = Path(name)
            texts, decoder = _Texts(self._sizes["text_encoder"]), _Decoder(self._sizes["autoencoder"])
            write_graph(root / "text_encoder", texts, input_ids=torch.ones(1, window).long())
            write_graph(
                root / "unet",
                unet,
                sample=latents,
                timestep=torch.zeros(1).long(),
                encoder_hidden_states=states,
            )
            write_graph(root / "vae_decoder", decoder, latent_sample=latents)
            _write_configs(root, window, shape)
            write_tokenizer(root / "tokenizer", tokenizer(window))
            pipeline = self._genai.Text2ImagePipeline(root)
        pipeline.reshape(1, 256, 256, self._sizes["guidance"])
        pipeline.compile("CPU", PERFORMANCE_HINT="LATENCY")
        self._pipeline = pipeline

    def __call__(self, prompt: str, seed: int, steps: int) -> Any:
        """A PIL picture of 256x256."""
        tensor = self._pipeline.generate(
            prompt,
            num_inference_steps=steps,
            guidance_scale=self._sizes["guidance"],
            height=256,
            width=256,
            generator=self._genai.CppStdGenerator(seed),
        )
        return Image.fromarray(tensor.data[0])


class _Texts(nn.Module):
    """Token ids -> states; padding has the id 0."""

    def __init__(self, shape: Mapping[str, int]) -> None:
        super().__init__()
        self.network = _weighted(TextEncoder(TextEncoderConfig(**shape)), "text_encoder")

    def forward(self, ids_BT: Tensor) -> Tensor:
        return cast("Tensor", self.network(ids_BT, ids_BT != 0)[0])


class _Unet(nn.Module):
    """The denoiser under a UNet's names; the prompt's vector, one row of numbers, is left out."""

    def __init__(self, shape: Mapping[str, Any]) -> None:
        super().__init__()
        self.vector = shape["vector"]
        self.network = _weighted(Denoiser(DenoiserConfig(**shape)), "denoiser")

    def forward(self, x_BChw: Tensor, t: Tensor, states_BTD: Tensor) -> Tensor:
        batch = x_BChw.shape[0]
        t_B = (t.float() / _TIMES).expand(batch).clamp(1e-3, 1)
        mask_BT = states_BTD.abs().sum(-1) > 0
        vector_BV = states_BTD.new_zeros(batch, self.vector)
        return cast("Tensor", self.network(x_BChw, t_B, states_BTD, mask_BT, vector_BV)[0])


class _Decoder(nn.Module):
    """The decoder."""

    def __init__(self, shape: Mapping[str, int]) -> None:
        super().__init__()
        self.network = _weighted(PatchAutoencoder(AutoencoderConfig(**shape)), "autoencoder")

    def forward(self, x_BChw: Tensor) -> Tensor:
        return cast("Tensor", self.network(x_BChw))


def _weighted(network: nn.Module, name: str) -> nn.Module:
    network.load_state_dict(widened(load_file(folder() / f"{name}.safetensors")))
    return network.eval()


def write_graph(place: Path, network: nn.Module, *, half: bool = False, **inputs: Tensor) -> None:
    """A network as OpenVINO has it; each input by its name, its first axis free but that of the time.

    Args:
        place: the folder that it gets.
        network: in torch.
        half: keep its weights in 16 bits.
        inputs: what it is traced with.
    """
    with torch.no_grad():
        graph = ov.convert_model(network, example_input=tuple(inputs.values()))
    shapes = {}
    for port, (name, tensor) in zip(graph.inputs, inputs.items(), strict=True):
        port.get_tensor().set_names({name})
        shapes[port] = ov.PartialShape([1 if name == "timestep" else -1, *tensor.shape[1:]])
    graph.reshape(shapes)
    ov.save_model(graph, place / "openvino_model.xml", compress_to_fp16=half)


def _write_configs(root: Path, window: int, shape: Mapping[str, int]) -> None:
    documents = {
        "model_index.json": _INDEX | {part: ["diffusers", name] for part, name in _PARTS.items()},
        "scheduler/scheduler_config.json": _SCHEDULER,
        "text_encoder/config.json": {"max_position_embeddings": window, "num_hidden_layers": 1},
        "unet/config.json": {"in_channels": shape["channels"], "sample_size": shape["grid"]},
        "vae_decoder/config.json": {
            "latent_channels": shape["channels"],
            # How many there are says how much smaller latents are than pixels.
            "block_out_channels": [1] * 6,
            "scaling_factor": 1.0,
        },
    }
    for name, document in documents.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(json.dumps(document), encoding="utf-8")


def write_tokenizer(place: Path, found: Any) -> None:
    """A tokenizer of transformers as OpenVINO has it."""
    graphs = import_module("openvino_tokenizers").convert_tokenizer(found, with_detokenizer=True)
    for graph, name in zip(graphs, ("tokenizer", "detokenizer"), strict=True):
        ov.save_model(graph, place / f"openvino_{name}.xml")
