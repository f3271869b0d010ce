"""How the ranks of a training find each other, agree, and add up their gradients."""
