"""The soak: the service as a black box for a long time, with faults at random moments. `python -m scripts.soak --help`.

Nothing here knows how the service works inside: it starts processes, feeds them, listens, and compares.
"""
