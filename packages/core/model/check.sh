#!/bin/sh
# Checks the model of proofs with spin: the protocol breaks no claim, and each deliberate mistake breaks one.
#
#   sh model/check.sh          the full bounds, all mistakes (minutes)
#   sh model/check.sh quick    smaller bounds, the first twelve mistakes (half a minute)
#   sh model/check.sh trail MISTAKE FLAGS ...    the run in which a mistake is found, as lines for people
set -eu
model=$(cd "$(dirname "$0")" && pwd)/possession.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
optimize=-O2

# Explores the model under these flags; writes spin's summary to `out`, and the first error found to a trail.
explore() {
  rm -f -- *.trail
  # shellcheck disable=SC2046
  spin -a $(for flag in "$@"; do echo "-D$flag"; done) "$model" >/dev/null
  cc "$optimize" -DSAFETY -DCOLLAPSE -o pan pan.c
  ./pan -E -m1000000 >out
  found=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' out)
}

if [ "${1:-}" = trail ]; then
  shift
  explore "$@"
  # shellcheck disable=SC2046
  spin -t -T -k ./*.trail $(for flag in "$@"; do echo "-D$flag"; done) "$model" | grep -E '^ *[0-9]+: |assert'
  exit 0
fi

holds() {
  explore "$@"
  states=$(sed -n 's/ *\([0-9]*\) states, stored.*/\1/p' out)
  echo "protocol $*: $found errors in $states states"
  [ "$found" = 0 ]
}
if [ "${1:-}" = quick ]; then
  holds SIGNED NP=1 LAST=4 DELEGATIONS=1
  holds OWN NP=2 LAST=2
  holds SHARED NP=1 LAST=2
else
  holds SIGNED NP=1 LAST=5 DELEGATIONS=2 RESTARTS=2
  holds SIGNED NP=1 LAST=4 DELEGATIONS=1 SPLICE
  holds OWN NP=1 LAST=3 DELEGATIONS=1 SPLICE
  holds OWN NP=2 LAST=4 RESTARTS=2
  holds OWN NP=3 LAST=0 NUMBERS=3
  holds SHARED NP=1 LAST=4
  holds SHARED NP=2 LAST=1
fi

# An error is found soon: compiling takes longer than exploring.
optimize=-O0
fails() {
  mistake=$1
  shift
  explore "$mistake" "$@"
  echo "$mistake $*: $found errors"
  [ "$found" != 0 ]
}
for mistake in NO_CHILD NO_PREFIX NO_TOKEN NO_BODY NO_AUDIENCE NOT_ATOMIC; do
  fails "$mistake" SIGNED NP=1 LAST=5 DELEGATIONS=1
done
for mistake in NO_NUMBER NO_EPOCH SAME_EPOCH NO_HOLDER; do
  fails "$mistake" OWN NP=1 LAST=3
done
fails SLIDES_BACK OWN NP=2 LAST=0
fails OLD_ERA SHARED NP=1 LAST=3
[ "${1:-}" = quick ] && exit 0
for mistake in NO_MAC NO_ARGUMENTS NO_NONCE NO_TIME LATE NO_RESET; do
  fails "$mistake" SIGNED NP=1 LAST=5 DELEGATIONS=1
done
# A row that is dropped early is refused afterwards, so one of the two alone breaks nothing.
fails SHORT_MEMORY FORGETS SIGNED NP=1 LAST=5 DELEGATIONS=1
for mistake in EARLY_SWEEP NO_HIGHEST NO_TICKET_SIGNATURE NO_TICKET_END; do
  fails "$mistake" OWN NP=1 LAST=3
done
fails KEEPS_OLD OWN NP=3 NUMBERS=3 LAST=0
fails FORGETS SHARED NP=1 LAST=3
