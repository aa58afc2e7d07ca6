#!/bin/bash
#SBATCH --job-name=trackvisor-sweep
#SBATCH --array=1-4
#SBATCH --cpus-per-task=2
#SBATCH --output=sweep-%a.log
# Each task of the array does one share of a sweep and leaves part1.json to part4.json:
#   sbatch slurm.sh hot.yaml --vary tracker.technique=pml,prl --seeds 1..5
# A task that is submitted again (sbatch --array=3 ...) does its own share again: how many shares there are stands here.
set -euo pipefail
shares=4
index=${SLURM_ARRAY_TASK_ID:?is set by SLURM: start this with sbatch}
exec trackvisor sweep "$@" --shard "$index/$shares" --workers "${SLURM_CPUS_PER_TASK:-1}" \
  --yes --force -o "part$index.json"
