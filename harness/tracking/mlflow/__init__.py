"""Records -> MLflow: one experiment per plan, a parent run per arm, below it a child run per seed and per trial.

The only package that imports mlflow. The records on disk are the truth: a Tracker, once it exists, never raises over
MLflow; it warns once and goes on, and what it could not write whole stays unfinished there, which `sync` deletes and
writes anew.
"""
