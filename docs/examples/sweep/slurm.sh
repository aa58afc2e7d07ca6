#!/bin/bash
#SBATCH --job-name=trackvisor
#SBATCH --array=1-4
#SBATCH --cpus-per-task=2
#SBATCH --output=trackvisor-%a.log
# Each task of the array does one share of whatever takes --shard, and leaves part1.json to part4.json:
#   sbatch slurm.sh trackvisor sweep hot.yaml --vary tracker.technique=pml,prl --seeds 1..5 --workers 2 --yes
#   sbatch slurm.sh trackvisor check prl --random --seeds 1..1000
# A task that is submitted again (sbatch --array=3 ...) does its own share again: how many shares there are stands here.
set -euo pipefail
shares=4
index=${SLURM_ARRAY_TASK_ID:?is set by SLURM: start this with sbatch}
exec "$@" --shard "$index/$shares" --force -o "part$index.json"
