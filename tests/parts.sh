# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # tests/run reads the tables, and has set logs
#
# The parts of tests/run: one table, and the functions of those that are more than one command. Sourced by
# tests/run, in whose folder they run. Each prints TAP.

# NAME|RUNS|BUILDS|COMMAND|WHAT
#
# RUNS:    q with --quick, d by default, a with --all. What has a release and a sanitizer's form is in d with the
#          latter, what has a longer form is in d without it. & is a part of one processor's work that mostly
#          waits: it runs beside the parts that follow it, up to the next such part.
# BUILDS:  the presets that it needs, separated by commas, or -.
# COMMAND: words, split at blanks. Exit code 77: it could not be run, and the last line of stderr says why.
readonly parts_table='
unit|qa|release|build/release/tests/unit --tap -j2|unit tests
unit-asan|da|dev|part_unit_asan|unit tests under ASan and UBSan
wire-user-auto|qa|release|part_wire release user auto|a real server by its bytes, userspace TLS
wire-user-asan|da|dev|part_wire dev user auto|the same under ASan and UBSan
wire-epoll|qd|release|part_wire_epoll|the suites of the loop and of files, over epoll
wire-epoll-all|a|release|tests/wire/run --build build/release --tls-path user --engine auto --io-engine epoll|every scenario over epoll
docker|a|release|tests/docker/run|every server under the default seccomp profile of Docker, which refuses io_uring
wire-kernel|qda|release|part_wire_kernel|the same on kernel TLS with every engine, if this kernel has it
fuzz|d|-|tests/fuzz/run 0|every fuzz target: what its corpus holds
fuzz-long|a|-|tests/fuzz/run 60|every fuzz target for a minute
guest-6.12|d&|release|tests/vm/run --kernel 6.12 --env GUEST_SUITES=records --timeout 3600|kernel TLS in a guest of Linux 6.12: what records carry
certs|qda|release|tests/certs/run|certs/ca
guide|qda|release|tests/certs/guide|the commands of certs/README.md, against a server
readme|qda|release|tests/readme/run|the examples of README.md, as they are
alerts|qda|release|tests/alerts/run|docs/alerts: rules, cases, and the metrics that they ask for
evaluate|qda|release|tests/evaluate/run|step 3 of docs/evaluating-kernel-tls.md, as it stands
interop-built|a|release|tests/interop/run thanos go-sdk minio-go js-sdk pyarrow s3fs|Thanos, aws-sdk-go-v2, minio-go, aws-sdk-js-v3, pyarrow, s3fs, which are built or fetched at the first time
interop|qda|release|env INTEROP_BUILD=no tests/interop/run|curl, s3cmd, rclone, awscli, boto3, and those of interop-built that are there already
crash|qda|release|tests/crash/run|a server killed while it writes
races|qda|release|tests/races/run|conditional writes through two servers, on ext4 with times in seconds, XFS and tmpfs
rotation|qd|release|tests/rotation/run 200|certificates, CAs and lists change under load: 200 rotations
rotation-long|a|release|tests/rotation/run 1000|the same: 1,000 rotations
lint|qda|release|tests/lint/run build/release|layers, format, headers, shellcheck, documents, what is installed
tidy|a|release|tests/lint/tidy build/release|clang-tidy
sandbox|a|release|tests/sandbox/run|every wire scenario under strace: no call that the sandbox refuses
guest-6.12-all|a|release|tests/vm/run --kernel 6.12 --env GUEST_SUITES=all --timeout 7200|every scenario with every engine in a guest of Linux 6.12
guest-6.1|a|release|tests/vm/run --kernel 6.1|kernel TLS in a guest of Linux 6.1
guest-7.3|a|release|tests/vm/run --kernel 7.3|kernel TLS in a guest of Linux 7.3
notes|a|release|tests/notes/run 6.12 6.1 7.3|kconfig-notes and docs: what they give to install and to type, for three kernels
guest-slow-disk|a|release|tests/vm/slow-disk|a slow disk and a frozen one
guest-xfs|a|release|tests/vm/xfs|the store on XFS
power-cut|a|release|tests/crash/power-cut 20|20 cuts of the power
systemd-252|a|-|tests/systemd/run bookworm|docs/systemd: the unit under systemd 252 of Debian 12
systemd-257|a|-|tests/systemd/run trixie|docs/systemd: the unit under systemd 257 of Debian 13
debian-13-quickstart|a|-|tests/debian/quickstart trixie|quickstart on Debian 13 as it comes
debian-13-groups|a|-|tests/debian/groups trixie|OpenSSL 3.5 of Debian 13: X25519MLKEM768 with clients of Go and OpenSSL
debian-13|a|-|tests/debian/tests trixie unit wire-user-auto certs guide readme alerts crash rotation tidy|tests/run on Debian 13: the release build, clang-tidy
debian-13-asan|a|-|tests/debian/tests trixie unit-asan wire-user-asan lint|tests/run on Debian 13: under ASan and UBSan, lint
'

# ---- Packages ----------------------------------------------------------------------------------

# a/b: the first that this release has. Debian 13 has promtool in a package of its own, and the run time of
# its clang without the version in the name.
readonly packages=(build-essential cmake ninja-build pkg-config libssl-dev liburing-dev libyaml-dev
	libexpat1-dev libcriterion-dev clang clang-format clang-tidy libclang-rt-dev/libclang-rt-14-dev shellcheck
	groff-base openssl curl promtool/prometheus qemu-system-x86 busybox-static cpio xz-utils zstd kmod procps git e2fsprogs
	xfsprogs python3 python3-venv python3-boto3 s3cmd rclone awscli stunnel4 systemd systemd-container debootstrap strace iproute2 attr python3-seccomp)

# ---- Parts that are more than a command --------------------------------------------------------

part_wire() { # BUILD TLS_PATH ENGINE
	tests/wire/run --build "build/$1" --tls-path "$2" --engine "$3"
}

part_wire_epoll() {
	tests/wire/run --build build/release --tls-path user --engine auto --io-engine epoll \
		--filter '@(engine|request|range|upload|disk|load|drain|slow|stalled|starved|truncate|connection|limits)/*'
}

part_wire_kernel() {
	local engine status=0
	build/release/sluice probe >"$logs/probe.txt" 2>&1
	if (($? >= 2)); then
		echo "this machine's kernel has no TLS ULP (sluice probe); the guest has" >&2
		return 77
	fi
	for engine in copy sendfile splice auto; do
		part_wire release kernel "$engine" || status=1
	done
	return $status
}

# Criterion keeps what its tests say to stderr to itself: a sanitizer's report, and that of a leak after
# the test's result, goes to a file.
part_unit_asan() {
	local status=0
	rm -f -- "$logs"/unit-asan.report.*
	ASAN_OPTIONS=log_path=$logs/unit-asan.report build/dev/tests/unit --tap -j2 || status=$?
	if compgen -G "$logs/unit-asan.report.*" >/dev/null; then
		echo "not ok - a sanitizer has found something: $logs/unit-asan.report.*"
		cat -- "$logs"/unit-asan.report.* | head -n 30 | sed 's/^/# /'
	fi
	return $status
}
