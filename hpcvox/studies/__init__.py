"""Hyperparameter studies: Optuna asks, trainings answer, any number of workers at once."""
