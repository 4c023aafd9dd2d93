"""Records -> MLflow: one experiment per plan, a parent run per arm, below it a child run per seed and per trial.

The only package that imports mlflow. What it could not write completely stays unfinished there, and `sync` deletes it
and writes it anew.
"""
