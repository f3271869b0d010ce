"""The run folder of a training: what is in it, and how it is read again."""
