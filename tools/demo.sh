#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh - a cluster of three nodes on this machine, with sample peers (`make run`)
#
# Starts three nodes with one seed, registers peers with different nodes, shows what each node
# finds, and runs until Ctrl-C. ONCE=1: does it, checks what it shows, and exits 0 or 1.
set -euo pipefail

build=${BUILD:-build}
once=${ONCE:-}
folder=$(mktemp -d "${TMPDIR:-/tmp}/aurora-demo.XXXXXX")
names=(red green blue)
pids=()
urls=()

stop_all() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap stop_all EXIT
trap 'echo; echo "Stopping the three nodes."; exit 0' INT TERM

fail() {
    echo "demo: $*" >&2
    for name in "${names[@]}"; do
        [ -f "$folder/$name.log" ] && tail -n 5 "$folder/$name.log" | sed "s/^/  $name: /" >&2
    done
    exit 1
}

# The usual ports where they are free, so that the README's examples work as printed; else any.
is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
gossip_ports=(4747 4748 4749)
http_ports=(4780 4781 4782)
for port in "${http_ports[@]}"; do
    is_free "$port" || { gossip_ports=(0 0 0); http_ports=(0 0 0); }
done

# A value of the node's ports.json, as {"gossip": "host:port", "http": "host:port"}.
port_of() {
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' \
        "$1/ports.json" "$2"
}

# Tries a command until it succeeds, for at most $1 seconds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

start_node() {
    local name=$1 gossip=$2 http=$3
    shift 3
    mkdir -p "$folder/$name"
    "$build/aurora-node" --name "$name" --bind "127.0.0.1:$gossip" --http "127.0.0.1:$http" \
        --cluster demo --data "$folder/$name" "$@" >"$folder/$name.log" 2>&1 &
    pids+=($!)
    within 10 test -s "$folder/$name/ports.json" || fail "$name did not start"
    urls+=("http://$(port_of "$folder/$name" http)")
}

sees_three() { [ "$("$build/aurora" --node "$1" --json members | grep -c '"alive"')" = 3 ]; }
finds() { [ "$(curl -fsS "$1/discover" | grep -o '"peer_id"' | wc -l)" = "$2" ]; }

register() {
    curl -fsS "$1/register" -H 'Content-Type: application/json' -d "$2" >/dev/null ||
        fail "$1 refused $2"
}

echo "Starting three nodes: ${names[*]}."
start_node red "${gossip_ports[0]}" "${http_ports[0]}"
seed=$(port_of "$folder/red" gossip)
start_node green "${gossip_ports[1]}" "${http_ports[1]}" --seed "$seed"
start_node blue "${gossip_ports[2]}" "${http_ports[2]}" --seed "$seed"
for url in "${urls[@]}"; do
    within 15 sees_three "$url" || fail "$url does not see three live nodes"
done

echo "Registering a browser tab with red, a Python agent with green, a printer with blue."
register "${urls[0]}" '{"peer_id":"tab-7f3a","address":"198.51.100.20","port":0,
    "archetypes":["browser"],"metadata":{"page":"demo"}}'
register "${urls[1]}" '{"peer_id":"agent-1","address":"198.51.100.21","port":9000,
    "archetypes":["agent","pepino"],"metadata":{"language":"python"}}'
register "${urls[2]}" '{"peer_id":"printer-1","address":"198.51.100.22","port":9100,
    "archetypes":["printer"],"metadata":{"paper":"A4"}}'
for url in "${urls[@]}"; do
    within 10 finds "$url" 3 || fail "$url does not find the three peers"
done

echo
echo "The members, as red sees them:"
"$build/aurora" --node "${urls[0]}" members
for i in 0 1 2; do
    echo
    echo "GET ${urls[$i]}/discover    (answered by ${names[$i]} from its own memory)"
    curl -fsS "${urls[$i]}/discover"
    echo
done

if [ -n "$once" ]; then
    echo
    echo "All three nodes find all three peers."
    exit 0
fi

cat <<TEXT

Try, in another terminal:
  curl '${urls[1]}/discover?archetype=printer'
  $build/aurora --node ${urls[2]} peers
  $build/aurora --node ${urls[0]} register my-peer --archetype test --port 1234

Nodes: ${urls[*]}
Logs:  $folder/*.log
Ctrl-C stops all three.
TEXT
# The samples stay as long as this runs.
while sleep 60 & wait $!; do
    for i in 0 1 2; do
        peers=(tab-7f3a agent-1 printer-1)
        curl -fsS "${urls[$i]}/heartbeat" -H 'Content-Type: application/json' \
            -d "{\"peer_id\":\"${peers[$i]}\"}" >/dev/null ||
            echo "demo: ${names[$i]} does not answer" >&2
    done
done
