#!/bin/sh
# Prints the name of the image that the others are built on: debian:bookworm-slim where the engine has it or can pull it,
# else optml-base:bookworm-slim, made from Debian's packages. A debian: tag is never made or moved by hand.
set -eu

say() { echo "base-image: $*" >&2; }
give_up() { say "$1"; exit 3; }
bounded() { if command -v timeout >/dev/null; then timeout "$@"; else shift; "$@"; fi; }

official=debian:bookworm-slim
own=optml-base:bookworm-slim
# What makes it slim: no documents and translations, now and in what is installed later. No fsync for each file: nothing to lose.
options='--variant=minbase --dpkgopt=force-unsafe-io
  --dpkgopt=path-exclude=/usr/share/doc/* --dpkgopt=path-include=/usr/share/doc/*/copyright
  --dpkgopt=path-exclude=/usr/share/man/* --dpkgopt=path-exclude=/usr/share/info/* --dpkgopt=path-exclude=/usr/share/locale/*'
recipe=$(printf %s "$options" | cksum | cut -d ' ' -f 1)

present() {
  if docker image inspect $official >/dev/null 2>&1; then echo $official
  elif [ "$(docker image inspect --format '{{index .Config.Labels "optml.recipe"}}' $own 2>/dev/null)" = "$recipe" ]; then echo $own
  else return 1
  fi
}

present && exit 0
say "pulling $official"
bounded 30 docker pull -q $official >/dev/null 2>&1 && present && exit 0

# From here on: no registry answers.
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  give_up "$official cannot be pulled: run 'docker pull $official' where a registry answers, or 'sudo sh docker/base-image.sh' on Debian"
fi
exec 9>/run/optml-base-image.lock
flock 9
present && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; say "$1 failed"; exit 1; }; }
export DEBIAN_FRONTEND=noninteractive
apt() { quietly apt-get -o DPkg::Lock::Timeout=300 -qq "$@"; }
# The Debian mirrors that this machine uses itself, of whatever release it is; none on Ubuntu, where mmdebstrap knows one.
mirrors() {
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    sed "s/ $(. /etc/os-release && echo "$VERSION_CODENAME")/ bookworm/" | grep -E ' bookworm(-updates|-security)? main$'
}

mirrors >"$work/sources" || apt update
command -v mmdebstrap >/dev/null || { apt update; apt install --no-install-recommends -y mmdebstrap debian-archive-keyring; }
mirrors >"$work/sources" || true
# A proxy or a frozen mirror needs its settings inside the image too.
apt-config dump | grep -E '^Acquire::(Check-|https?::Proxy)' >"$work/apt.conf" || true

say "no registry answers: making $own from Debian's packages (about half a minute)"
set -f # the * of the path-excludes are dpkg's
set -- $options --aptopt="$work/apt.conf" bookworm "$work/base.tar"
if [ -s "$work/sources" ]; then set -- "$@" "$work/sources"; fi
quietly mmdebstrap "$@" 9>&-
quietly docker import --change "LABEL optml.recipe=$recipe" --change 'CMD ["bash"]' \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$work/base.tar" $own
echo $own
