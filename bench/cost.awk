# SPDX-License-Identifier: Apache-2.0
# After cost-lib.awk: the table of servers, and the goals of which a guest can tell.

function goal(what, a, b, limit, format) {
	if (a <= 0 || b <= 0) {
		printf "| %s | not measured | %s | |\n", what, sprintf(format, limit)
		return
	}
	printf "| %s | %s | %s | %s |\n", what, sprintf(format, a / b), sprintf(format, limit),
		a / b <= limit ? "reached" : "MISSED"
}

END {
	print "| server | per byte, 64 MiB | / nginx kTLS | / floor | per 16 KiB range | / nginx kTLS | per handshake + 1 byte | / nginx kTLS |"
	print "|---|--:|--:|--:|--:|--:|--:|--:|"
	for (i = 1; i <= variants; i++) {
		v = order[i]
		if (count[v, "ranges"] == 0)
			continue
		printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", v,
			cell(median(v, "whole"), "%.3f"),
			ratio(median(v, "whole"), median("nginx-ktls", "whole")),
			ratio(median(v, "whole"), median("floor", "whole")),
			cell(median(v, "ranges"), "%.0f"),
			ratio(median(v, "ranges"), median("nginx-ktls", "ranges")),
			cell(median(v, "handshakes"), "%.0f"),
			ratio(median(v, "handshakes"), median("nginx-ktls", "handshakes"))
	}
	printf "\nThe cipher alone: %.3f instructions/byte by libcrypto in userspace", cipher_user
	if (cipher_kernel > 0)
		printf ", %.3f by the kernel's crypto (8 KiB blocks, tcrypt)", cipher_kernel
	print "."
	printf "An idle connection (%d with kernel TLS): %d bytes of user memory in sluice, %d in nginx.\n",
		idle_connections, idle["sluice"], idle["nginx"]
	print "\n| goal, sluice as it is by default (auto) | is | at most | |\n|---|--:|--:|---|"
	goal("64 MiB, kernel TLS / nginx kTLS", median("sluice-auto", "whole"), median("nginx-ktls", "whole"), 1.00, "%.4f")
	goal("64 MiB, kernel TLS / floor", median("sluice-auto", "whole"), median("floor", "whole"), 1.02, "%.4f")
	goal("16 KiB ranges, kernel TLS / nginx kTLS", median("sluice-auto", "ranges"), median("nginx-ktls", "ranges"), 0.70, "%.4f")
	goal("full mutual handshake / nginx", median("sluice-auto", "handshakes"), median("nginx-ktls", "handshakes"), 0.60, "%.4f")
	goal("memory of an idle kernel-TLS connection / nginx", idle["sluice"], idle["nginx"], 0.25, "%.4f")
	goal("bytes of user memory of an idle kernel-TLS connection", idle["sluice"], 1, 8192, "%.0f")
}
