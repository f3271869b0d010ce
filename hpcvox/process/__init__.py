"""The process of a job: who started it, how it is told to stop, and what it reports at its end."""
