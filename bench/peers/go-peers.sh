# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The peers that are built from their Go modules, once, and kept in the user's cache.

declare -Ar go_peer_package=(
	[versitygw]=github.com/versity/versitygw/cmd/versitygw
	[rclone]=github.com/rclone/rclone
	[minio]=github.com/minio/minio
)
# MinIO's is the last of its repository, which was archived after it; its release names are no versions of a module.
declare -Ar go_peer_version=(
	[versitygw]=v1.8.0
	[rclone]=v1.76.0
	[minio]=v0.0.0-20260212201848-7aac2a2c5b7c
)

# Where it lies, or would.
peer_program() { # NAME
	printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/sluice/bench/$1-${go_peer_version[$1]}/$1"
}

# Says why, if it cannot be built.
peer_build() { # NAME
	local said
	said=$(GOBIN=$(dirname -- "$(peer_program "$1")") go install -trimpath \
		"${go_peer_package[$1]}@${go_peer_version[$1]}" 2>&1) && return 0
	printf '%s %s: %s\n' "$1" "${go_peer_version[$1]}" "$(tail -n 1 <<<"$said")" >&2
	return 1
}
