"""What all tests share: the same examples in every run, so that a failure is somebody's change and not the dice."""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")
