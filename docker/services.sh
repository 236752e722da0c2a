#!/usr/bin/env bash
# Brings up the services that tests marked `services` need, and says how it did it.
#
#   docker/services.sh start        bring them up and print the exports that name them
#   docker/services.sh env          print the exports of what is up
#   docker/services.sh run CMD ..   bring up what is missing, run a command, take down what was brought up for it
#   docker/services.sh stop         take down what this script brought up
#
# For each service, the first of these that works: one that already answers (named by its variable); docker compose;
# installed programs on a private port; packages, where installing is allowed (CI=true or TILLFLOW_MAY_INSTALL=1).
# A service that cannot be had is no error here: its tests are skipped with a reason, and fail in CI.
set -euo pipefail
cd "$(dirname "$0")/.."

SERVICES=(postgres)
STATE="${TILLFLOW_SERVICES_DIR:-${TMPDIR:-/tmp}/tillflow-services-$(id -u)}"

say() { echo "services: $*" >&2; }

# --- what every service has: its address, its variable, its programs --------------------------------------------------

postgres_port="${TILLFLOW_POSTGRES_PORT:-55432}"
postgres_variable=TILLFLOW_TEST_POSTGRES
postgres_dsn="postgresql://tillflow@127.0.0.1:${postgres_port}/tillflow"
postgres_package=postgresql

postgres_bin() {
  local found
  found="$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb /usr/local/pgsql/bin/initdb 2>/dev/null | sort -V | tail -1)"
  [ -n "$found" ] && dirname "$(readlink -f "$found")"
}

postgres_installed() { postgres_bin >/dev/null; }

# The server refuses to run as root; it then runs as the user `postgres`, or `nobody`.
postgres_as() {
  if [ "$(id -u)" != 0 ]; then "$@"; return; fi
  local user=nobody
  id postgres >/dev/null 2>&1 && user=postgres
  (cd / && setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@")
}

postgres_begin() {
  local bin data="$STATE/postgres/data" log="$STATE/postgres/log"
  bin="$(postgres_bin)"
  rm -rf "$STATE/postgres" && mkdir -p "$STATE/postgres"
  chmod 0777 "$STATE/postgres" && chmod 0755 "$STATE"
  postgres_as "$bin/initdb" --pgdata "$data" --username tillflow --auth trust --no-sync --encoding UTF8 --locale C >/dev/null
  postgres_as "$bin/pg_ctl" --pgdata "$data" --log "$log" --wait --silent start --options \
    "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$STATE/postgres -c fsync=off -c max_connections=50"
  postgres_as "$bin/createdb" --host 127.0.0.1 --port "$postgres_port" --username tillflow tillflow
}

postgres_end() {
  postgres_as "$(postgres_bin)/pg_ctl" --pgdata "$STATE/postgres/data" --mode immediate --silent stop || true
  rm -rf "$STATE/postgres"
}

# --- the same for all -------------------------------------------------------------------------------------------------

of() { local name="$1_$2"; echo "${!name}"; }

# True when something accepts connections at host and port of an address like scheme://user@host:port/name.
answers() {
  local address="${1#*://}"
  address="${address#*@}"
  address="${address%%/*}"
  local host="${address%%:*}" port="${address##*:}"
  [ "$host" = "$port" ] && return 1
  timeout 3 bash -c "exec 3<>/dev/tcp/$host/$port" 2>/dev/null
}

has_docker() { docker compose version >/dev/null 2>&1 && timeout 10 docker info >/dev/null 2>&1; }

may_install() {
  { [ "${CI:-}" = true ] || [ "${TILLFLOW_MAY_INSTALL:-}" = 1 ]; } && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

started=()
remember() { mkdir -p "$STATE" && echo "$2" >"$STATE/$1.how" && started+=("$1"); }

bring_up() {
  local service="$1" named variable dsn
  variable="$(of "$service" variable)" dsn="$(of "$service" dsn)" named="${!variable:-}"
  if [ -n "$named" ] && answers "$named"; then say "$service: the one that $variable names already answers"; return; fi
  if [ -n "$named" ]; then say "$service: the one that $variable names does not answer"; return 1; fi
  if answers "$dsn"; then say "$service: already up at $dsn"; return; fi
  if has_docker && docker compose -f docker/compose.yaml up --detach --wait "$service" >&2; then
    remember "$service" docker; say "$service: brought up by docker compose"; return
  fi
  if ! "${service}_installed" && may_install; then
    say "$service: installing the package $(of "$service" package)"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$(of "$service" package)"; } >&2 || true
  fi
  if "${service}_installed" && "${service}_begin" >&2; then
    remember "$service" programs; say "$service: brought up from the programs installed here, at $dsn"; return
  fi
  say "$service: not available. Install docker or $(of "$service" package), or set $variable to the address of one."
  return 1
}

exports() {
  local service variable dsn
  for service in "${SERVICES[@]}"; do
    variable="$(of "$service" variable)" dsn="$(of "$service" dsn)"
    if [ -n "${!variable:-}" ]; then echo "export $variable='${!variable}'"; elif answers "$dsn"; then echo "export $variable='$dsn'"; fi
  done
}

start() { local service; for service in "${SERVICES[@]}"; do bring_up "$service" || true; done; }

stop() {
  local service
  for service in "$@"; do
    case "$(cat "$STATE/$service.how" 2>/dev/null || true)" in
      docker) docker compose -f docker/compose.yaml rm --stop --force "$service" >&2 ;;
      programs) "${service}_end" ;;
      *) continue ;;
    esac
    rm -f "$STATE/$service.how"
    say "$service: taken down"
  done
}

case "${1:-}" in
  start) start && exports ;;
  env) exports ;;
  stop) stop "${SERVICES[@]}" ;;
  run)
    shift
    [ $# -gt 0 ] || { say "run needs a command"; exit 2; }
    trap 'stop "${started[@]}"' EXIT
    start
    eval "$(exports)"
    "$@"
    ;;
  *) sed -n '2,12p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
