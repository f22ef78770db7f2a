"""Training: scenes, captions, losses, loops, the training trace, and the way to a model that ships."""

__all__: list[str] = []
