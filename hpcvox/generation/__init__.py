"""From a latent point to a crystal: sampling, voxels to atoms, judgement."""
