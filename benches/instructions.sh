#!/usr/bin/env bash
# How many instructions six workloads take, beside what they took when benches/instructions.csv was written. Unlike times,
# instructions hardly differ between runs, so that one percent more is seen. Needs valgrind; takes about a minute.
#
#     benches/instructions.sh            compares; exit code 1 if a workload takes more than 2 % more
#     benches/instructions.sh --write    writes the table anew; the commit says why

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
table=benches/instructions.csv
workloads="simblock-600 pbft-64 pbft-256-real growth:committee-tendermint:32 growth:load:100 growth:nodes:100"
command -v valgrind >/dev/null || { echo "missing: valgrind (on Debian: apt-get install valgrind)" >&2; exit 2; }

cargo build --release --quiet
program="${CARGO_TARGET_DIR:-target}/release/ledgerlab"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

instructions() { # workload
    valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file="$scratch/out" --log-file="$scratch/log" \
        "$program" bench --measure "$1" >/dev/null
    sed -n 's/.*I *refs: *//p' "$scratch/log" | tr -d ','
}

if [[ ${1:-} == --write ]]; then
    {
        echo "workload,instructions"
        for workload in $workloads; do echo "$workload,$(instructions "$workload")"; done
    } >"$table.new"
    mv "$table.new" "$table"
    cat "$table"
    exit
fi

worse=0
printf '%-32s %16s %16s %8s\n' workload before now change
while IFS=, read -r workload before; do
    now=$(instructions "$workload")
    printf '%-32s %16s %16s %7s%%\n' "$workload" "$before" "$now" \
        "$(awk -v a="$before" -v b="$now" 'BEGIN { printf "%+.2f", 100 * (b / a - 1) }')"
    if ((now * 100 > before * 102)); then worse=1; fi
done < <(tail -n +2 "$table")
exit "$worse"
