"""CIFs: from their text to crystals that agree with all that the file says."""
