# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # tests/run has set logs
#
# What tests/run counts, measures and keeps. Sourced by it, with logs set.
#
# A kept result is build/test-results/COMMIT/PART, one line: passed, failed, skipped, seconds, seconds of
# processor time, date, system; and PART.tap beside it. It is written only if the work tree was COMMIT and
# nothing else before and after the part.

readonly results=build/test-results
passed=0 failed=0 skipped=0 kept=0
part_wall=0 part_cpu=0 commit=''
times=() # "NAME WALL CPU", in their order

# The commit whose files these are, or nothing if there is none or files differ.
results_commit() {
	local head
	head=$(git rev-parse --verify -q HEAD 2>/dev/null) || return 0
	[[ -n $(git status --porcelain 2>/dev/null | head -n 1) ]] || echo "$head"
}

results_begin() {
	: >"$logs/skipped.txt"
	commit=$(results_commit)
}

# Runs a command in a shell of its own, and notes its time: the processor time is that of the children waited
# for, so those of another part that runs beside it do not count.
timed() { # NAME COMMAND...
	local status=0
	timed_run "$@" || status=$?
	timed_note "$1"
	return "$status"
}

timed_run() ( # NAME COMMAND...
	name=$1 started=$EPOCHREALTIME status=0 self=$BASHPID
	shift
	"$@" || status=$?
	awk -v a="$started" -v b="$EPOCHREALTIME" -v cpu="$(cpu_seconds "$self")" \
		'BEGIN { printf "%.0f %d\n", b - a, cpu }' >"$logs/$name.time"
	exit "$status"
)

# Takes down what timed_run has measured.
timed_note() { # NAME
	read -r part_wall part_cpu <"$logs/$1.time"
	times+=("$1 $part_wall $part_cpu")
}

# Of all children of this shell that have ended, with theirs.
cpu_seconds() { # PID
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); printf "%d", ($14 + $15) / hz }' "/proc/$1/stat"
}

# Adds up a part's TAP and shows what failed. A part that ended badly without a "not ok", or that ran
# no test, has failed as well.
tally() { # PART STATUS
	local part=$1 status=$2 tap=$logs/$1.tap ok not_ok skip
	skip=$(grep -cE '^ok.*# SKIP' "$tap")
	ok=$(($(grep -cE '^ok' "$tap") - skip))
	not_ok=$(grep -cE '^(not ok|Bail out!)' "$tap")
	if ((not_ok == 0 && (status != 0 || ok + skip == 0))); then
		echo "not ok - $part ended with status $status after $ok tests" | tee -a "$tap"
		tail -n 15 "$tap"
		not_ok=1
	elif ((not_ok > 0)); then
		grep -A 12 -E '^(not ok|Bail out!)' "$tap" | head -n 200
	fi
	passed=$((passed + ok)) failed=$((failed + not_ok)) skipped=$((skipped + skip))
	grep -E '^ok.*# SKIP' "$tap" | sed "s/^ok[ 0-9]*-* */$part: /" >>"$logs/skipped.txt"
	# What a test counted: its comments that begin with a number. What a guest says of itself.
	grep -E '^# [0-9]' "$tap" | cut -c3-
	grep -E '^guest ' "$tap"
	printf '%s: %d passed, %d failed, %d skipped (%d s, %d s of processor time)\n' \
		"$part" "$ok" "$not_ok" "$skip" "$part_wall" "$part_cpu"
	results_keep "$part" "$ok" "$not_ok" "$skip"
}

results_keep() { # PART PASSED FAILED SKIPPED
	local folder=$results/$commit
	[[ -n $commit && $(results_commit) == "$commit" ]] || return 0
	mkdir -p -- "$folder"
	cp -- "$logs/$1.tap" "$folder/$1.tap"
	printf '%d %d %d %d %d %s %s\n' "$2" "$3" "$4" "$part_wall" "$part_cpu" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		"$(uname -sr | tr ' ' -)" >"$folder/$1.new"
	mv -- "$folder/$1.new" "$folder/$1"
}

# Counts a part by what is kept of it, if it has passed. What was skipped as a whole has not.
results_take() { # PART
	local ok not_ok skip wall cpu date system
	[[ -n $commit && -r $results/$commit/$1 ]] || return 1
	read -r ok not_ok skip wall cpu date system <"$results/$commit/$1"
	((not_ok == 0 && ok > 0)) || return 1
	say "$1: passed at this commit, $date, on $system"
	printf '%s: %d passed, %d failed, %d skipped (%d s, %d s of processor time), kept\n' "$1" "$ok" 0 "$skip" "$wall" "$cpu"
	passed=$((passed + ok)) skipped=$((skipped + skip)) kept=$((kept + ok))
	times+=("$1 $wall $cpu kept")
	grep -E '^ok.*# SKIP' "$results/$commit/$1.tap" | sed "s/^ok[ 0-9]*-* */$1: /" >>"$logs/skipped.txt"
	return 0
}

results_show() {
	local head part ok not_ok skip wall cpu date system
	head=$(git rev-parse --verify -q HEAD) || return 0
	printf 'commit %s\n' "$head"
	while read -r part; do
		if [[ -r $results/$head/$part ]]; then
			read -r ok not_ok skip wall cpu date system <"$results/$head/$part"
			printf '%-21s %5d passed, %d failed, %d skipped  %5d s  %s  %s\n' \
				"$part" "$ok" "$not_ok" "$skip" "$wall" "$date" "$system"
		else
			printf '%-21s not run\n' "$part"
		fi
	done < <(part_names)
	[[ -n $(results_commit) ]] || echo 'the work tree differs from the commit: results of it are not kept'
}

results_end() {
	local line name wall cpu is_kept sum_wall=0 sum_cpu=0
	if [[ -s $logs/skipped.txt ]]; then
		say skipped
		cat "$logs/skipped.txt"
	fi
	say 'seconds: passed, of processor time'
	for line in "${times[@]}"; do
		# A build's name has two words.
		read -r wall cpu is_kept <<<"$(sed -E 's/^(build )?[^ ]+ //' <<<"$line")"
		name=${line% "$wall $cpu"*}
		printf '%-21s %6d %6d%s\n' "$name" "$wall" "$cpu" "${is_kept:+  $is_kept}"
		[[ -n $is_kept ]] || sum_wall=$((sum_wall + wall)) sum_cpu=$((sum_cpu + cpu))
	done
	printf '%-21s %6d %6d\n' together "$sum_wall" "$sum_cpu"
	((kept == 0)) || printf '\n%d of those that passed are kept from earlier runs at this commit\n' "$kept"
	printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	((failed == 0))
}
