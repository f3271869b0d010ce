# How setup.sh builds GPAW (GPAW_CONFIG names another file): one core a crystal needs no MPI, GPAW has PBE and LDA of
# its own and takes NumPy's and SciPy's BLAS and FFT. So a C++ compiler is enough, and builds are alike everywhere.
import os

compiler = os.environ.get("CXX", "g++")
mpi = False
noblas = True
nolibxc = True
