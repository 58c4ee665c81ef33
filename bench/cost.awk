# SPDX-License-Identifier: Apache-2.0
# Lines of bench/cost-guest -> the table and the goals. One instruction is one nanosecond of CPU time.

function median(variant, test,    n, i, j, t, values) {
	n = count[variant, test]
	if (n == 0)
		return 0
	for (i = 1; i <= n; i++)
		values[i] = value[variant, test, i]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && values[j - 1] > values[j]; j--) {
			t = values[j]
			values[j] = values[j - 1]
			values[j - 1] = t
		}
	return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}

function cell(number, format) { return number > 0 ? sprintf(format, number) : "" }
function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%.3f", a / b) : "" }

function goal(what, a, b, limit) {
	if (a <= 0 || b <= 0)
		return
	printf "| %s | %.3f | %.2f | %s |\n", what, a / b, limit, a / b <= limit ? "reached" : "MISSED"
}

# result VARIANT TEST batch N requests R bytes B seconds S server_ns NS
$1 == "result" {
	if (!($2 in seen)) {
		seen[$2] = 1
		order[++variants] = $2
	}
	divisor = $3 == "whole" ? $9 : $7
	if (divisor > 0)
		value[$2, $3, ++count[$2, $3]] = $13 / divisor
}
$1 == "fact" && $2 == "cipher_user" { cipher_user = $8 / $6 }
$1 == "fact" && $2 == "cipher_kernel" { cipher_kernel = $6 / $4 }

END {
	print "| server | per byte, 64 MiB | / nginx kTLS | / floor | per 16 KiB range | / nginx kTLS | per handshake + 1 byte | / nginx kTLS |"
	print "|---|--:|--:|--:|--:|--:|--:|--:|"
	for (i = 1; i <= variants; i++) {
		v = order[i]
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
	print "\n| goal | is | at most | |\n|---|--:|--:|---|"
	goal("64 MiB, kernel TLS by sendfile / nginx kTLS", median("sluice-sendfile", "whole"), median("nginx-ktls", "whole"), 1.00)
	goal("64 MiB, kernel TLS by sendfile / floor", median("sluice-sendfile", "whole"), median("floor", "whole"), 1.02)
	goal("16 KiB ranges, kernel TLS / nginx kTLS", median("sluice-auto", "ranges"), median("nginx-ktls", "ranges"), 0.85)
	goal("16 KiB ranges, kernel TLS / nginx kTLS (the aim)", median("sluice-auto", "ranges"), median("nginx-ktls", "ranges"), 0.70)
}
