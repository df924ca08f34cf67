"""The benchmark: `scripts/bench`. What it measures and how to read it is in docs/performance.rst."""
