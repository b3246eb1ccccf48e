#!/bin/sh
# The main job, from a fresh checkout to its closing card: a real training image on real data. More flags may follow (--json).
set -eu
cd "$(dirname "$0")/.."
sh docker/set-up.sh
sh docker/build-image.sh demo
# exec: Ctrl-C and SIGTERM reach optml itself.
exec node_modules/.bin/optml run fixtures/requests/digits.json --store embedded --map s3://optml-demo/digits=fixtures/digits "$@"
