"""The report: one HTML page on what really happened, next to what was predicted."""
