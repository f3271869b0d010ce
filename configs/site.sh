# shellcheck shell=bash disable=SC2034
# The one file that a site edits (besides the #SBATCH lines). Sourced by every job of slurm/, on the first node of
# its allocation. A setting that is already in the environment wins over the one written here.

# Modules that the jobs need: the compiler's and MPI's are those that set-up was run with.
# module purge
# module load gcc openmpi python/3.11

# The virtual environment, on a file system that all nodes see: the one that `make setup` made beside these scripts, or
# the one that pip has installed them into.
# : "${HPCVOX_VENV:=/path/to/environment}"

# Folders of Python modules of your own (a calculator for relax), with colons between; PYTHONPATH itself, which modules
# set for other Pythons, does not reach jobs.
: "${HPCVOX_PYTHONPATH:=}"

# How ranks of a training are started: srun (recommended), mpirun, or elastic: by horovodrun over the nodes of the job,
# where a training goes on without the ranks that are lost, and takes in those that come back. A job that is to outlive
# one of its nodes is submitted with sbatch --no-kill.
: "${HPCVOX_LAUNCH:=srun}"

# Of elastic: the least number of ranks that go on; seconds that fewer wait for others, and that the launcher stays
# when no rank is left, before the job goes back into the queue.
: "${HPCVOX_MIN_RANKS:=1}"
: "${HPCVOX_ELASTIC_TIMEOUT:=600}"
: "${HPCVOX_NO_RANKS_TIMEOUT:=60}"

# Of elastic: seconds between two questions to SLURM, about the nodes and the ranks (more where it does not answer).
: "${HPCVOX_ASK_SECONDS:=30}"

# What `srun --mpi=list` offers and MPI was built for: pmix, pmix_v4, cray_shasta ... Without MPI, none: trainings then take
# backend=torch.
: "${HPCVOX_SRUN_MPI:=pmix}"

# More arguments for that launcher, e.g. "-x NCCL_SOCKET_IFNAME" for mpirun, "--network-interfaces ib0" for elastic.
: "${HPCVOX_LAUNCH_ARGS:=}"

# Options of sbatch for trainings and for all other jobs, where slurm/pipeline.sh or a script that is run as it is
# (slurm/train_vae.sh epochs=5) submits them: "--partition=gpu --gpus-per-node=4 --cpus-per-task=32", "--partition=cpu".
: "${HPCVOX_SBATCH_TRAININGS:=}"
: "${HPCVOX_SBATCH_OTHERS:=}"

# A folder on each node for Ray's sockets and logs. Short: a socket's path may have 107 bytes.
: "${HPCVOX_NODE_TMP:=/tmp}"

# Seconds to wait until all nodes of an allocation have joined Ray, in each of three tries: the first start reads some
# thousand files of Python, from a file system that may be busy.
: "${HPCVOX_RAY_TIMEOUT:=300}"

# How often a job that was interrupted (time limit, preemption) is put back into the queue before it gives up.
: "${HPCVOX_MAX_RESTARTS:=50}"

# The network interface of the fast network, for sites where the nodes' names resolve to a slow one.
# export NCCL_SOCKET_IFNAME=ib0 GLOO_SOCKET_IFNAME=ib0 OMPI_MCA_btl_tcp_if_include=ib0
