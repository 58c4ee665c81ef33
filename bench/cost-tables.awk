# SPDX-License-Identifier: Apache-2.0
# After cost-lib.awk: objects of other sizes, other ciphers, uploads; a table for each that was measured.

# Columns are the servers with a test that begins so, rows these tests.
function columns(prefix,    i, n) {
	for (i = 1; i <= variants; i++)
		if (has_test(order[i], prefix))
			column[++n] = order[i]
	return n
}

function has_test(variant, prefix,    i) {
	for (i = 1; i <= test_count; i++)
		if (index(tests[i], prefix) == 1 && count[variant, tests[i]] > 0)
			return 1
	return 0
}

# is_per_byte: the tests are called by the bytes of a request, and divided by them.
function table(title, first, prefix, peer, format, is_per_byte,    i, j, n, v, bytes) {
	n = columns(prefix)
	if (n == 0)
		return
	printf "\n## %s\n\n| %s |", title, first
	for (j = 1; j <= n; j++)
		printf " %s |%s", column[j], column[j] == peer ? "" : " / " peer " |"
	printf "\n|---|"
	for (j = 1; j <= n; j++)
		printf column[j] == peer ? "--:|" : "--:|--:|"
	print ""
	for (i = 1; i <= test_count; i++) {
		if (index(tests[i], prefix) != 1)
			continue
		bytes = substr(tests[i], length(prefix) + 1)
		printf "| %s |", bytes
		for (j = 1; j <= n; j++) {
			v = median(column[j], tests[i])
			printf " %s |", cell(is_per_byte ? v / bytes : v, format)
			if (column[j] != peer)
				printf " %s |", ratio(v, median(peer, tests[i]))
		}
		print ""
	}
}

END {
	table("Whole objects: instructions a request", "bytes", "size:", "nginx-ktls", "%.0f", 0)
	table("Other ciphers, 64 MiB: instructions a byte", "cipher", "whole:", "nginx-ktls", "%.3f", 0)
	table("Other ciphers, 16 KiB ranges: instructions a request", "cipher", "ranges:", "nginx-ktls", "%.0f", 0)
	table("Of objects that a PUT has written, 16 KiB and a page of 1,000: instructions a request", "request", "written:", "sluice-user", "%.0f", 0)
	table("Uploads: instructions a PUT", "bytes", "put:", "nginx-user", "%.0f", 0)
	table("Uploads: instructions a byte", "bytes", "put:", "nginx-user", "%.3f", 1)
}
