"""A request to draw, from its body to its answer; `exchange` has the steps in order, the others are its steps."""
