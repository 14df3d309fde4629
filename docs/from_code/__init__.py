"""Makes the parts of the site that follow from the code, when the site is built."""
