"""The command line: one verb a file; they translate, call and report."""
