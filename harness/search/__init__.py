"""Hyperparameter search: what an arm can search, its Optuna study, and the order of its runs."""
