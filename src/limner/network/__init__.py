"""Our model in torch: text encoder, image tower, patch autoencoder, denoiser, judge."""

__all__: list[str] = []
