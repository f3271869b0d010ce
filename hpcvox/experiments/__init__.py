"""The papers' measurements: figures of trained models on held-out crystals."""
