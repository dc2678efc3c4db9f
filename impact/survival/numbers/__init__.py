"""Plain functions of arrays: curves, tests and their variances."""
