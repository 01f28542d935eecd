"""What the harness costs beside what it replaces, and beside what this machine can do: `python -m benchmarks`.

One file per section. A measured function prepares in a fresh process and returns what is timed; variants take
turns (ours, theirs, ours, theirs), so that other load on the machine meets them all.
"""
