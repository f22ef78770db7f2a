"""Stage 2: a prompt becomes tokens, token states and one vector of length 1024."""
