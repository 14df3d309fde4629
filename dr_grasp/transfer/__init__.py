"""From what really happened to what a fitness is worth: data sets, reports, probabilities."""
