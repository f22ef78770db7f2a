"""Checkpoints of other people as OpenVINO's graphs: converted once, kept on disk, run without torch's networks."""
