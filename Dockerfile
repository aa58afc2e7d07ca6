# The study, as a scale model (docs/experiments.md):
#   docker build -t trackvisor .
#   docker run --rm -v "$PWD/results:/results" trackvisor
# In the study's own sizes: docker run --rm -v "$PWD/results:/results" trackvisor experiment run all --out /results
FROM node:20-slim
WORKDIR /trackvisor
COPY . .
# Builds, too.
RUN npm ci
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["experiment", "run", "all", "--quick", "--out", "/results"]
