#!/bin/sh
# Checks the lease model with spin: the protocol has no error, and every deliberate mistake has one.
# With `quick`, the protocol alone.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/lease.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

errors() {
  spin -a ${1:+"-D$1"} "$model" >/dev/null
  cc -O1 -DSAFETY -o pan pan.c
  ./pan -m200000 >out
  sed -n 's/.*errors: \([0-9]*\).*/\1/p' out
}

found=$(errors "")
states=$(sed -n 's/ *\([0-9]*\) states, stored.*/\1/p' out)
echo "protocol: $found errors in $states states"
[ "$found" = 0 ]
[ "${1:-}" = quick ] && exit 0
for mistake in RECLAIM FROM_ANSWER NO_END ANY_WINDOW TWICE KEEP; do
  found=$(errors "$mistake")
  echo "$mistake: $found errors"
  [ "$found" != 0 ]
done
