"""OpenAI's images API as data, and what holds a body against it: out comes a `Call`, or the documented error.

Begin with `fields`, the table of every field, and `validate`, which walks it.
"""
