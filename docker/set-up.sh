#!/bin/sh
# Makes a checkout ready for work: node modules, build, the link node_modules/.bin/optml, a Docker engine.
# set-up.sh [--for-tests]: with it, every image of docker/images and what the tests use beside them. Each step is skipped
# when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."

say() { echo "set-up: $*" >&2; }

# In words that any Node understands.
node -e 'var v = process.versions.node.split("."); process.exit(v[0] > 20 || (v[0] == 20 && v[1] >= 19) ? 0 : 1)' ||
  { say "optml needs Node 20.19 or newer, this is $(node --version): install a newer one (https://nodejs.org)"; exit 3; }

# One set-up of a checkout at a time. (macOS has no flock.)
exec 9<docker/set-up.sh
if command -v flock >/dev/null; then flock 9; fi

# npm writes down what it has installed; compared with the lock file, that says more than a stamp of our own.
modules_are_current() {
  node -e '
    const packages = file => JSON.parse(require("fs").readFileSync(file, "utf8")).packages;
    try {
      const installed = packages("node_modules/.package-lock.json");
      for (const [path, { version, optional }] of Object.entries(packages("package-lock.json")))
        if (path && !optional && installed[path]?.version !== version) process.exit(1);
    } catch {
      process.exit(1);
    }'
}
if ! modules_are_current; then
  say "installing node modules"
  # Without scripts: what the optional native parts would compile is not used here.
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2
fi

# By content: a checkout of another branch changes times, and an edit in the same second does not.
sources=$(find src tsconfig.json package-lock.json -type f -exec cksum {} + | LC_ALL=C sort | cksum)
stamp=node_modules/.cache/optml-build
cli=dist/faces/cli/main.js
if [ ! -f $cli ] || [ "$(cat $stamp 2>/dev/null)" != "$sources" ]; then
  say "building"
  npm run --silent build >&2
  # What was compiled from a source that is gone.
  find dist -name '*.js' | while read -r file; do
    source=src/${file#dist/}
    [ -f "${source%.js}.ts" ] || rm -f "$file" "${file%.js}.d.ts"
  done
  mkdir -p node_modules/.cache
  echo "$sources" >$stamp
fi
ln -sfn ../../$cli node_modules/.bin/optml

sh docker/engine-up.sh
if [ "${1-}" = --for-tests ]; then
  (cd docker/images && sh ../build-image.sh *)
  sh test/tools.sh
fi
