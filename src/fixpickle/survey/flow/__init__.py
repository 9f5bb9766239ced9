"""Where a value goes inside one file: through names, containers, conditions and calls, to the places that keep it.

`following` goes from one expression to the next. What it asks on the way knows nothing of it, and holds no reference
back: a file's tree is gone with its last reference, where the collector of cycles does not run.
"""

from fixpickle.survey.flow.following import Flow

__all__ = ["Flow"]
