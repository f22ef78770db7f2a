"""The composer: illustrated scenes and their captions, from a table of concepts and openly licensed art."""

__all__: list[str] = []
