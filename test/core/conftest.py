from hypothesis import settings

# No test depends on how fast a machine is.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
