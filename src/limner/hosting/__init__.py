"""Several models in one process: loaded when they are first asked for, unloaded when others need their room.

========  =============================================================================
memory    how much there is, on the processor and on a GPU
estimate  how much a model takes, before it is loaded
policy    who leaves, so that another one has room: a pure function
metrics   loads and unloads, counted
config    how many at a time, and for how long
places    a model that can be had, one that is loaded, and the place for either
shelf     the models, each with a pipeline and a loop of its own while it is loaded
========  =============================================================================
"""
