# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # whoever sources it has set release
#
# What tests/debian/quickstart and tests/debian/tests share. Sourced, with release set; sets repository, tmp
# and root, and ends with one skipped test where there can be no root.

set -uo pipefail
unset CDPATH
export LC_ALL=C

readonly UNAVAILABLE=77
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd -- "$here/../.." && pwd)

skip_all() { # REASON
	printf 'ok 1 - Debian %s # SKIP %s\n1..1\n' "$release" "$*"
	exit 0
}

bail() { # REASON [FILE]
	echo "Bail out! $1"
	[[ -z ${2:-} ]] || tail -n 40 -- "$2" | sed 's/^/# /'
	exit 1
}

((EUID == 0)) || skip_all "a chroot takes root"
unshare --mount --pid --fork true 2>/dev/null || skip_all "this process may not make namespaces"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/sluice-debian.XXXXXX") || exit 1
trap 'rm -rf -- "$tmp"' EXIT
status=0
root=$("$here/root" "$release" minimal 2>"$tmp/root.log") || status=$?
((status != UNAVAILABLE)) || skip_all "$(tail -n 1 "$tmp/root.log")"
((status == 0)) || bail "tests/debian/root ended with $status" "$tmp/root.log"

# The work tree as it is, as a clone: what is not committed is in it, what is ignored is not.
copy_tree() { # DIR
	git clone -q --no-hardlinks -- "$repository" "$1" && cd -- "$repository" &&
		git ls-files -z --deleted | (cd -- "$1" && xargs -0 -r rm -f --) &&
		git ls-files -z --modified --others --exclude-standard | while IFS= read -rd '' file; do
			[[ ! -e $file ]] || cp -a --parents -- "$file" "$1" || return 1
		done
}

# In that Debian, in the copy, with the packages that earlier runs have downloaded. /tmp is not the overlay,
# of whose files nobody can say whether they are in the page cache.
enter() { # COMMAND...
	local archives
	archives=$(dirname -- "$root")/archives
	mkdir -p -- "$archives/partial" "$tmp/tmp"
	chmod 1777 "$tmp/tmp"
	"$here/enter" --scratch "$tmp/scratch" --bind "$tmp/copy:/sluice" --bind "$tmp/tmp:/tmp" \
		--bind "$archives:/var/cache/apt/archives" \
		"$root" bash -c 'cd /sluice && exec "$@"' bash "$@"
}

copy_tree "$tmp/copy" >"$tmp/copy.log" 2>&1 || bail "the work tree could not be copied" "$tmp/copy.log"
