"""Whole training runs, each a short function that returns a Recipe."""
