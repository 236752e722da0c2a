#!/usr/bin/env bash
# Brings up the services that tests marked `services` need, and says how it did it.
#
#   docker/services.sh start        bring them up and print the exports that name them
#   docker/services.sh env          print the exports of what is up
#   docker/services.sh run CMD ..   bring up what is missing, run a command, take down what was brought up for it
#   docker/services.sh stop         take down what this script brought up
#   docker/services.sh own begin|stop|resume|end SERVICE
#                                   a fresh one of the installed programs, whatever else answers, on the port and in the
#                                   folder that TILLFLOW_<SERVICE>_PORT and TILLFLOW_SERVICES_DIR name
#
# For each service, the first of these that works: one that already answers (named by its variable, or at its usual
# address); docker compose; installed programs on private ports; packages, where installing is allowed (CI=true or
# TILLFLOW_MAY_INSTALL=1).
# A service that cannot be had is no error here: its tests are skipped with a reason, and fail in CI.
set -euo pipefail
cd "$(dirname "$0")/.."

SERVICES=(postgres rabbitmq)
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
  local bin data="$STATE/postgres/data"
  bin="$(postgres_bin)"
  rm -rf "$STATE/postgres" && mkdir -p "$STATE/postgres"
  chmod 0777 "$STATE/postgres" && chmod 0755 "$STATE"
  postgres_as "$bin/initdb" --pgdata "$data" --username tillflow --auth trust --no-sync --encoding UTF8 --locale C >/dev/null
  postgres_resume
  postgres_as "$bin/createdb" --host 127.0.0.1 --port "$postgres_port" --username tillflow tillflow
}

postgres_resume() {
  postgres_as "$(postgres_bin)/pg_ctl" --pgdata "$STATE/postgres/data" --log "$STATE/postgres/log" --wait --silent start --options \
    "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$STATE/postgres -c fsync=off -c max_connections=50"
}

postgres_stop() { postgres_as "$(postgres_bin)/pg_ctl" --pgdata "$STATE/postgres/data" --mode immediate --silent stop; }

postgres_end() {
  postgres_stop || true
  rm -rf "$STATE/postgres"
}

rabbitmq_port="${TILLFLOW_RABBITMQ_PORT:-55672}"
rabbitmq_variable=TILLFLOW_TEST_RABBITMQ
rabbitmq_usual="amqp://guest:guest@127.0.0.1:5672/"
rabbitmq_dsn="amqp://guest:guest@127.0.0.1:${rabbitmq_port}/"
rabbitmq_package=rabbitmq-server
rabbitmq_home="$STATE/rabbitmq"
rabbitmq_node="tillflow-test-${rabbitmq_port}@localhost"

# The programs themselves: Debian's wrappers would change the user, and with it the node they talk to.
rabbitmq_bin() {
  local found
  found="$(ls /usr/lib/rabbitmq/bin/rabbitmq-server 2>/dev/null || command -v rabbitmq-server || true)"
  [ -n "$found" ] && dirname "$(readlink -f "$found")"
}

rabbitmq_installed() { rabbitmq_bin >/dev/null; }

rabbitmq_env() {
  env HOME="$rabbitmq_home" RABBITMQ_NODENAME="$rabbitmq_node" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
    RABBITMQ_NODE_PORT="$rabbitmq_port" RABBITMQ_DIST_PORT="$((rabbitmq_port + 1))" \
    RABBITMQ_MNESIA_BASE="$rabbitmq_home/data" RABBITMQ_LOG_BASE="$rabbitmq_home/log" \
    RABBITMQ_PID_FILE="$rabbitmq_home/pid" RABBITMQ_CONFIG_FILE="$rabbitmq_home/rabbitmq.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$rabbitmq_home/enabled_plugins" RABBITMQ_CONF_ENV_FILE=/dev/null "$@"
}

rabbitmq_begin() {
  rm -rf "$rabbitmq_home" && mkdir -p "$rabbitmq_home"
  echo "[]." >"$rabbitmq_home/enabled_plugins"
  echo "log.file.level = warning" >"$rabbitmq_home/rabbitmq.conf"
  rabbitmq_resume
  rabbitmq_env "$(rabbitmq_bin)/rabbitmqctl" --quiet enable_feature_flag all
}

rabbitmq_resume() {
  local bin
  bin="$(rabbitmq_bin)"
  rm -f "$rabbitmq_home/pid"
  rabbitmq_env "$bin/rabbitmq-server" -detached
  rabbitmq_env "$bin/rabbitmqctl" --quiet wait --timeout 60 "$rabbitmq_home/pid"
}

rabbitmq_stop() { rabbitmq_env "$(rabbitmq_bin)/rabbitmqctl" --quiet stop "$rabbitmq_home/pid"; }

rabbitmq_end() {
  rabbitmq_stop || true
  rm -rf "$rabbitmq_home"
}

# How tests steer the broker (alarms, closed connections, policies) when it is one that was brought up here.
rabbitmq_exports() {
  local bin
  case "$(cat "$STATE/rabbitmq.how" 2>/dev/null || true)" in
    docker) echo "export TILLFLOW_TEST_RABBITMQCTL='docker compose -f $PWD/docker/compose.test.yaml exec -T rabbitmq rabbitmqctl'" ;;
    programs)
      bin="$(rabbitmq_bin)"
      echo "export TILLFLOW_TEST_RABBITMQCTL='env HOME=$rabbitmq_home RABBITMQ_CONF_ENV_FILE=/dev/null $bin/rabbitmqctl --node $rabbitmq_node'"
      ;;
  esac
}

# --- the same for all -------------------------------------------------------------------------------------------------

of() { local name="$1_$2"; echo "${!name:-}"; }

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
  local service="$1" named variable dsn usual
  variable="$(of "$service" variable)" dsn="$(of "$service" dsn)" named="${!variable:-}"
  if [ -n "$named" ] && answers "$named"; then say "$service: the one that $variable names already answers"; return; fi
  if [ -n "$named" ]; then say "$service: the one that $variable names does not answer"; return 1; fi
  usual="${service}_usual"
  if [ -n "${!usual:-}" ] && answers "${!usual}"; then say "$service: the one at ${!usual#*@} already answers"; return; fi
  if answers "$dsn"; then say "$service: already up at $dsn"; return; fi
  if has_docker && docker compose -f docker/compose.test.yaml up --detach --wait "$service" >&2; then
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
  local service variable place
  for service in "${SERVICES[@]}"; do
    variable="$(of "$service" variable)"
    for place in "${!variable:-}" "$(of "$service" usual)" "$(of "$service" dsn)"; do
      if [ -n "$place" ] && { [ "$place" = "${!variable:-}" ] || answers "$place"; }; then
        echo "export $variable='$place'"
        break
      fi
    done
    if declare -F "${service}_exports" >/dev/null; then "${service}_exports"; fi
  done
}

start() { local service; for service in "${SERVICES[@]}"; do bring_up "$service" || true; done; }

stop() {
  local service
  for service in "$@"; do
    case "$(cat "$STATE/$service.how" 2>/dev/null || true)" in
      docker) docker compose -f docker/compose.test.yaml rm --stop --force "$service" >&2 ;;
      programs) "${service}_end" ;;
      *) continue ;;
    esac
    rm -f "$STATE/$service.how"
    say "$service: taken down"
  done
}

own() {
  local verb="${1:-}" service="${2:-}"
  declare -F "${service}_${verb}" >/dev/null && [ -n "$verb" ] && [ -n "$service" ] || { say "own needs a verb and a service"; exit 2; }
  "${service}_installed" || { say "$service: install $(of "$service" package)"; exit 3; }
  "${service}_${verb}" >&2
}

case "${1:-}" in
  own) own "${@:2}" ;;
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
  *) sed -n '2,15p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
