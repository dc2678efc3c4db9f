"""Plain functions of arrays: the likelihoods of models, and what follows from them."""
