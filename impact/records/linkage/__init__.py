"""People linked once: pseudonyms, encodings, the linkage itself, and what its uncertainty does to a result."""
