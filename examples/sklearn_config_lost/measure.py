"""What the workers run."""

from sklearn.metrics import pairwise_distances_chunked


def rows_per_block(points):
    """How many rows of the distance matrix scikit-learn holds in memory at once."""
    return max(len(block) for block in pairwise_distances_chunked(points))
