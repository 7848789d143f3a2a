"""Benchmarks: paired ratios per CPU-second."""
