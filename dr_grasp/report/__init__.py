"""The report: an HTML page that compares the outcomes of attempts with their predictions."""
