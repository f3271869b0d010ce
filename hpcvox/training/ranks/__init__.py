"""The ranks of a training: they find each other, check that they agree, and add up their gradients."""
