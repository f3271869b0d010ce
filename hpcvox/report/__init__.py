"""One HTML file that shows what a run made: its data, its losses, its densities and its crystals.

Reads what the other rooms wrote (and nothing else), so a part that is missing is said, not guessed.
"""
