#!/bin/sh
# build-image.sh NAME…: builds optml-NAME:latest from docker/images/NAME where its folder or its base has changed.
# Images that install from PyPI find in their context what this machine trusts, as certificates.pem: the file that PIP_CERT
# or SSL_CERT_FILE names, or Debian's own.
set -eu
cd "$(dirname "$0")"

say() { echo "build-image: $*" >&2; }

# Two at once would build the same image twice.
exec 9<build-image.sh
if command -v flock >/dev/null; then flock 9; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

base=$(sh base-image.sh)
base_id=$(docker image inspect --format '{{.Id}}' "$base")

certificates=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}

for name; do
  image=optml-$name:latest
  [ -f "images/$name/Dockerfile" ] || { say "there is no docker/images/$name/Dockerfile"; exit 2; }
  recipe=$({ echo "$base_id"; find "images/$name" -type f -exec cksum {} + | LC_ALL=C sort; } | cksum | cut -d ' ' -f 1)
  built=$(docker image inspect --format '{{index .Config.Labels "optml.recipe"}}' "$image" 2>/dev/null || true)
  [ "$built" = "$recipe" ] && continue
  say "building $image on $base"
  context=images/$name
  if [ -f "$context/requirements.txt" ] && [ -f "$certificates" ]; then
    cp -R "$context" "$work/"
    context=$work/$name
    cp "$certificates" "$context/certificates.pem"
  fi
  log=$(docker build --force-rm --build-arg "BASE=$base" --label "optml.recipe=$recipe" --tag "$image" "$context" 2>&1) ||
    { printf '%s\n' "$log" | tail -n 25 >&2; say "building $image failed"; exit 1; }
  # The image that it replaces has lost its name; of those, the ones that carry our label and that no container uses go.
  docker image prune --force --filter label=optml.recipe >/dev/null 2>&1 || true
done
