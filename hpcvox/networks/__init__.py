"""The networks, each in a folder with its model, task, settings, card, and the class that uses it once trained."""
