#!/bin/sh
# Checks the lease model with spin: the protocol has no error, with and without a reset, and every deliberate
# mistake has one. With `quick`, the protocol alone, on a smaller budget.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/lease.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

errors() {
  # shellcheck disable=SC2046,SC2086
  spin -a $(for flag in $1; do echo "-D$flag"; done) "$model" >/dev/null
  cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c
  ./pan -m1000000 >out
  sed -n 's/.*errors: \([0-9]*\).*/\1/p' out
}

limit=3
[ "${1:-}" = quick ] && limit=2
for protocol in "" RESET; do
  found=$(errors "LIMIT=$limit $protocol")
  states=$(sed -n 's/ *\([0-9]*\) states, stored.*/\1/p' out)
  echo "protocol${protocol:+ with a reset}: $found errors in $states states"
  [ "$found" = 0 ]
done
[ "${1:-}" = quick ] && exit 0
for mistake in RECLAIM FROM_ANSWER NO_END ANY_WINDOW TWICE KEEP "RESET OLD_SLICE" "RESET OLD_REFUND" "RESET NO_QUIET"; do
  found=$(errors "$mistake")
  echo "$mistake: $found errors"
  [ "$found" != 0 ]
done
