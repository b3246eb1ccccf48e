#!/bin/sh
# Makes sure that a Docker engine answers. One that answers is used as it is (DOCKER_HOST and docker contexts count);
# root on Debian or Ubuntu gets the distribution's engine; anybody else is told the command to run (exit 3).
set -eu

say() { echo "engine-up: $*" >&2; }
give_up() { say "$1"; exit 3; }
# An address behind a firewall would be tried for minutes. (macOS has no `timeout`; its engines are local.)
bounded() { if command -v timeout >/dev/null; then timeout "$@"; else shift; "$@"; fi; }
answers() { bounded 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

answers && exit 0

socket=/var/run/docker.sock
if ! command -v docker >/dev/null; then
  node -e 'require("net").connect(process.argv[1]).on("connect", () => process.exit(0)).on("error", () => process.exit(1))' $socket &&
    give_up "an engine answers at $socket, but there is no docker command: install Docker's command line (Debian: apt-get install docker.io or docker-cli)"
else
  endpoint=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo "${DOCKER_HOST:-unix://$socket}")
  [ "$endpoint" = "unix://$socket" ] ||
    give_up "the engine at $endpoint does not answer: start it, or choose another one (DOCKER_HOST, docker context use)"
fi
if [ "$(id -u)" != 0 ]; then
  if [ -S $socket ] && [ ! -w $socket ]; then
    give_up "$(id -un) may not use the Docker engine: run 'sudo usermod -aG docker $(id -un)' and log in again"
  fi
  give_up "no Docker engine answers: run 'sudo sh docker/engine-up.sh', which installs and starts one on Debian and Ubuntu"
fi

# Two at once: the second waits here and finds the engine up.
exec 9>/run/optml-engine-up.lock
flock 9
answers && exit 0

log=/var/log/dockerd.log
apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@" >$log 2>&1 9>&- ||
    { tail -n 20 $log >&2; say "apt-get $* failed"; exit 1; }
}
if ! command -v dockerd >/dev/null; then
  command -v apt-get >/dev/null ||
    give_up "no Docker engine answers: install one (https://docs.docker.com/engine/install), start it, and try again"
  say "installing docker.io"
  apt update
  apt install --no-install-recommends -y docker.io mmdebstrap
  # Newer releases have the command in a package of its own.
  command -v docker >/dev/null || apt install --no-install-recommends -y docker-cli
fi

start() {
  # An engine that was killed leaves its pid file; when the number is another process's by now, dockerd would believe it.
  pid=$(cat /run/docker.pid 2>/dev/null || true)
  [ "$(cat "/proc/${pid:-none}/comm" 2>/dev/null)" = dockerd ] || rm -f /run/docker.pid
  setsid nohup dockerd >$log 2>&1 </dev/null 9>&- &
  engine=$!
  starts=$((starts + 1))
}

say "starting the engine, its log is $log"
cd /
starts=0
engine=
if [ -d /run/systemd/system ]; then
  systemctl start docker >$log 2>&1 || true
else
  # Not by the init script: it raises limits, which a container or a small virtual machine may forbid.
  start
fi
deadline=$(($(date +%s) + 60))
until answers; do
  if [ -n "$engine" ] && ! kill -0 "$engine" 2>/dev/null; then
    # Its predecessor may still be dying: one more chance, and another.
    [ $starts -lt 4 ] || break
    sleep 1
    start
  fi
  [ "$(date +%s)" -lt $deadline ] || break
  sleep 0.1
done
answers || { tail -n 20 $log >&2; say "the engine did not start"; exit 1; }
say "the engine answers"
