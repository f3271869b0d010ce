"""Run folders as each version of their format has left them, which later ones open."""
