"""Property tests of this folder: no deadlines, which say more about the machine than the code."""

from hypothesis import settings

settings.register_profile("no deadlines", deadline=None)
settings.load_profile("no deadlines")
