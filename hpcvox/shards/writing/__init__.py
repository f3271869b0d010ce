"""Write shards, and what makes a set of them whole."""
