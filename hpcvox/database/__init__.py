"""The built-in database: prototypes relaxed and given an energy, by actors, written as one table.

The table is an ordinary source of crystals; no later step knows where it came from.
"""
