"""The child of the proof, in the user's own interpreter: see `probe.py`, which starts it. Nobody imports it."""
