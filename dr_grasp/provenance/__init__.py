"""Provenance of results: fingerprints of the models that they were made with."""
