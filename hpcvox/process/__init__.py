"""A process of a job: what started it, how it is told to stop, what it tells at its end."""
