"""What comes in: outcomes, groups, causes and covariates as checked arrays."""
