"""Benchmarks: dated results in bench/results, never tests."""
