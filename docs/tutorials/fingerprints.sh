# Fingerprints: name the structure type of crystals with defects.  Each part is shown in fingerprints.md.

# --8<-- [start:elements]
hpcvox elements
hpcvox featurize configs/featurize_diffraction.yaml source=runs/elements/crystals.csv out=runs/elements_fingerprints
# --8<-- [end:elements]

# --8<-- [start:train]
hpcvox train-fingerprint shards=runs/elements_fingerprints held_out_fraction=0.1
# --8<-- [end:train]

# --8<-- [start:defects]
hpcvox evaluate-fingerprint
# --8<-- [end:defects]

# --8<-- [start:explain]
hpcvox explain
# --8<-- [end:explain]
