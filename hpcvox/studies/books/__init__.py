"""A study's books: the journal of its trials, what it has come to, and Optuna's storage on both."""
