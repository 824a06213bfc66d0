"""What the program costs in time, bytes and memory, side by side with its peers: `python -m tests.benchmarks`."""
