"""Does identification make labels better? A study in hidden laboratories."""
