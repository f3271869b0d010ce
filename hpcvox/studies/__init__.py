"""Hyperparameter studies: Optuna chooses settings, and any number of workers run trainings with them."""
