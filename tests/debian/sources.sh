# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What tests know of this machine's apt sources: their mirror, keyring and options serve other suites of
# Debian as well, so that no host is named in the tests. Sourced; does nothing by itself.

# The release of this machine, as its sources name it.
sources_codename() {
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${VERSION_CODENAME:-}")
}

# Writes one deb822 stanza for every source of this machine that serves FROM, with TO instead.
# Both forms of source files are read; what is not about suites stays (URIs, Signed-By, ...).
sources_derive() { # FROM TO ARCHITECTURE
	local files=()
	local file
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[[ -r $file ]] && files+=("$file")
	done
	((${#files[@]})) || return 0
	awk -v from="$1" -v to="$2" -v architecture="$3" '
	function stanza(text) {
		printf "Types: deb\nSuites: %s\nComponents: main\nArchitectures: %s\nTargets: Packages\n%s\n", to, architecture, text
	}
	function flush() {
		if (kept != "" && has_deb && has_suite && enabled) stanza(kept)
		kept = ""; has_deb = has_suite = 0; enabled = 1; keep = 0
	}
	# Is WORD one of the blank-separated words of LIST?
	function among(word, list) { return index(" " list " ", " " word " ") > 0 }
	FNR == 1 { flush(); deb822 = FILENAME ~ /\.sources$/ }
	/^[ \t]*#/ { next }
	deb822 && /^[ \t]*$/ { flush(); next }
	deb822 && /^[ \t]/ { if (keep) kept = kept $0 "\n"; next }
	deb822 {
		name = tolower($0); sub(/:.*/, "", name)
		value = $0; sub(/^[^:]*:[ \t]*/, "", value); gsub(/[ \t]+/, " ", value)
		keep = 0
		if (name == "types") has_deb = among("deb", value)
		else if (name == "suites") has_suite = among(from, value)
		else if (name == "enabled") enabled = tolower(value) !~ /^(no|false|0|off|without|disable)$/
		else if (name !~ /^(components|architectures|languages|targets)$/) { kept = kept $0 "\n"; keep = 1 }
		next
	}
	$1 == "deb" {
		line = $0; options = ""
		if (match(line, /\[[^]]*\]/)) {
			options = substr(line, RSTART + 1, RLENGTH - 2)
			line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
		}
		count = split(line, word, " ")
		if (count < 3 || word[3] != from) next
		text = "URIs: " word[2] "\n"
		count = split(options, option, " ")
		for (i = 1; i <= count; i++) {
			if (option[i] ~ /^signed-by=/) text = text "Signed-By: " substr(option[i], 11) "\n"
			if (option[i] ~ /^trusted=/) text = text "Trusted: " substr(option[i], 9) "\n"
		}
		stanza(text)
	}
	END { flush() }' "${files[@]}"
}

# The options of this machine that decide how something is fetched (proxies, dates, certificates), as lines
# of an apt.conf.
sources_options() {
	apt-config dump |
		grep -E '^Acquire::(Check-|Max-FutureTime|Retries|ForceIPv|https?::|ftp::|AllowInsecure)'
}

# apt's last complaint in a log, without the hosts in it.
sources_complaint() { # LOG
	{ grep -E '^[EW]:' "$1" | grep -v 'Some index files' || echo 'apt said nothing'; } | tail -n 1 |
		sed -E 's,[a-z+]+://[^ ]*,the source,g'
}
