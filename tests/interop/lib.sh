# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests with real programs share: a folder of its own, a CA, a server with the right to
# write, TAP. Sourced with SLUICE (the program) set; sets tmp, ca, endpoint, and cleans up at exit.

set -uo pipefail
export LC_ALL=C.UTF-8 TZ=UTC
export PYTHONDONTWRITEBYTECODE=1
unset CDPATH AWS_CA_BUNDLE AWS_PROFILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
. "$here/versions.sh"
readonly repository=$here/../..
readonly SLUICE=${SLUICE:-$repository/build/release/sluice}
tmp=$(mktemp -d) || exit 1
readonly ca=$tmp/ca cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/interop
children=()
count=0 failed=0

# Ends what was started here, each by its id.
clean_up() {
	local pid
	for pid in "${children[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf -- "$tmp"
}
trap clean_up EXIT

# A test is a name and a command that must succeed. What it printed is shown if it does not.
check() { # NAME COMMAND...
	local title=$1 status=0
	shift
	count=$((count + 1))
	"$@" >"$tmp/said" 2>&1 || status=$? # in this shell: it may set variables
	if ((status == 0)); then
		printf 'ok %d - %s\n' "$count" "$title"
		return 0
	fi
	failed=$((failed + 1))
	printf 'not ok %d - %s\n' "$count" "$title"
	{
		printf 'command: %s (status %d)\n' "$*" "$status"
		tail -n 40 "$tmp/said"
	} | sed 's/^/# /'
	return 1
}

fails() { # COMMAND...: not() for check
	! "$@"
}

# What a program printed in TAP, as tests of this file, each with NAME before it. That it has printed its
# plan, its last line, is a test as well.
take_tests() { # NAME FILE
	local line ended=''
	while IFS= read -r line; do
		if [[ $line =~ ^(ok|not\ ok)\ [0-9]+\ -\ (.*)$ ]]; then
			count=$((count + 1))
			[[ ${BASH_REMATCH[1]} == ok ]] || failed=$((failed + 1))
			echo "${BASH_REMATCH[1]} $count - $1: ${BASH_REMATCH[2]}"
		elif [[ $line == 1..* ]]; then
			ended=yes
		else
			printf '%s\n' "$line"
		fi
	done <"$2"
	check "$1: ran to its end" test -n "$ended"
}

# A program that prints TAP, and then what the server has said.
run_tests() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >"$tmp/tests" 2>&1
	take_tests "$name" "$tmp/tests"
	check 'the server runs on' kill -0 "$server_pid"
	check 'it has met no error of its own' fails grep -q 'level=error' "$tmp/server.log"
}

done_testing() {
	echo "1..$count"
	((failed == 0))
}

skip_all() { # REASON
	echo "ok 1 - $(basename -- "$0") # SKIP $1"
	echo '1..1'
	exit 0
}

# What is kept in the cache is made there once; INTEROP_BUILD=no: not now, which is said.
may_build() {
	[[ ${INTEROP_BUILD:-yes} == yes ]] && return 0
	echo 'it is not built here yet: tests/run --part interop-built does that'
	return 1
}

# An environment of Python with these packages, kept in the cache. Prints its Python, or why there is none.
python_with() { # NAME PACKAGE...
	local venv=$cache/$1
	shift
	if [[ ! -x $venv/bin/python ]]; then
		rm -rf -- "$venv.new"
		if ! { python3 -m venv "$venv.new" && "$venv.new/bin/pip" install -q "$@"; } >"$tmp/pip.log" 2>&1; then
			echo "it cannot be installed: $(tail -n 1 "$tmp/pip.log")"
			return 1
		fi
		mv -T -- "$venv.new" "$venv"
	fi
	echo "$venv/bin/python"
}

# The same, of what is too large for a run that has not the minutes.
kept_python_with() { # NAME PACKAGE...
	[[ -x $cache/$1/bin/python ]] || may_build || return 1
	python_with "$@"
}

# A program of the Go module in go/, built into the cache when anything of the module is new. Prints its path,
# or why there is none.
go_program() { # NAME
	local is built=$cache/go
	is=$(cd -- "$here/go" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
	if [[ ! -x $built/$1 || $(cat -- "$built/$1.is" 2>&1) != "$is" ]]; then
		may_build || return 1
		command -v go >/dev/null || { echo 'there is no Go to build it with'; return 1; }
		mkdir -p -- "$built"
		if ! (cd -- "$here/go" && go build -trimpath -o "$built/$1" "./$1") >"$tmp/go.log" 2>&1; then
			echo "go build: $(tail -n 1 "$tmp/go.log")"
			return 1
		fi
		echo "$is" >"$built/$1.is"
	fi
	echo "$built/$1"
}

go_version() { # MODULE
	awk -v module="$1" '$1 == module { print $2 }' "$here/go/go.mod"
}

# Waits for a command to succeed; its events come from other processes, without a descriptor to wait
# on.
readonly PATIENCE_S=120 # for what must come: so long that only a test that fails waits for it
until_true() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		read -rt 0.05 <><(:) || true
	done
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# A CA with a server's and a client's certificate in $ca, and in $tmp/sluice.yml rules by which that
# client may do everything.
make_identities() {
	"$repository/certs/ca" init "$ca" >/dev/null &&
		"$repository/certs/ca" server "$ca" server --san dns:localhost,ip:127.0.0.1 >/dev/null &&
		"$repository/certs/ca" client "$ca" client --san dns:interop.test >/dev/null || return 1
	cat >"$tmp/sluice.yml" <<-'YAML'
		access:
		  - identity: "dns:interop.test"
		    allow: [read, list, write, delete]
		    on: ["**"]
	YAML
}

# A server with a bucket for this test's program, and a client certificate. Sets port, admin and
# endpoint.
start_server() {
	port=$(free_port) admin=$(free_port)
	endpoint=https://localhost:$port
	[[ -d $ca ]] || make_identities || return 1
	mkdir -p -- "$tmp/root"
	"$SLUICE" serve --config "$tmp/sluice.yml" --root "$tmp/root" --writable \
		--listen "127.0.0.1:$port" --admin-listen "127.0.0.1:$admin" --cert "$ca/server.crt" \
		--key "$ca/server.key" --client-ca "$ca/ca.crt" >>"$tmp/server.log" 2>&1 &
	server_pid=$!
	children+=("$server_pid")
	until_true "$PATIENCE_S" curl -sSf "http://127.0.0.1:$admin/-/ready" || {
		tail -n 5 "$tmp/server.log"
		return 1
	}
}

# A plain port on loopback that leads to the server with the client's certificate, for programs that
# cannot present one. Sets plain_endpoint.
start_relay() {
	local relay_port
	relay_port=$(free_port)
	plain_endpoint=http://127.0.0.1:$relay_port
	cat >"$tmp/stunnel.conf" <<-CONF
		foreground = yes
		pid =
		[relay]
		client = yes
		accept = 127.0.0.1:$relay_port
		connect = 127.0.0.1:$port
		cert = $ca/client.crt
		key = $ca/client.key
		CAfile = $ca/ca.crt
		verifyChain = yes
	CONF
	stunnel4 "$tmp/stunnel.conf" >"$tmp/stunnel.log" 2>&1 &
	children+=($!)
	until_true "$PATIENCE_S" curl -sS -o "$tmp/relay.out" "$plain_endpoint/"
}

# More keys than a page of 1,000 has, put into the root as an operator would copy them there: what is to
# be seen is how the program goes from page to page.
many_files() { # BUCKET
	mkdir -p -- "$tmp/root/$1/many" && seq -f "$tmp/root/$1/many/%04g" 1 1050 | xargs touch --
}

random_file() { # PATH BYTES
	head -c "$2" /dev/urandom >"$1"
}

same() { # FILE FILE
	cmp -- "$1" "$2"
}
