"""What a result was made of: fingerprints of models, and versions."""
