"""The networks, a folder each: model, task, settings, card, and how it is used once trained."""
