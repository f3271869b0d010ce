# Real densities: DFT in the place of superposed atoms.  Each part is shown in densities.md.

# --8<-- [start:dft]
hpcvox dft source=my_cifs/ out=runs/dft
# --8<-- [end:dft]

# --8<-- [start:spots]
hpcvox featurize configs/featurize_r3dvs.yaml field=file source=runs/dft/fields out=runs/dft_spots
hpcvox shards info runs/dft_spots
# --8<-- [end:spots]
