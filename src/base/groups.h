/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of the TLS key exchange, in the order of our preference. One row makes the enum, the label
 * of log and metrics (by which OpenSSL takes it, too), the name in curve_preferences, which is
 * Go's, and the name of the TLS registry, as OpenSSL says it.
 * G(ID, label, name of Go, name of the registry)
 */
#ifndef SLUICE_BASE_GROUPS_H
#define SLUICE_BASE_GROUPS_H

#define TLS_GROUPS(G)                                                                              \
	G(X25519MLKEM768, "X25519MLKEM768", "X25519MLKEM768", "X25519MLKEM768")                    \
	G(X25519, "X25519", "X25519", "x25519")                                                    \
	G(P256, "P-256", "CurveP256", "secp256r1")                                                 \
	G(P384, "P-384", "CurveP384", "secp384r1")                                                 \
	G(P521, "P-521", "CurveP521", "secp521r1")

#define TLS_GROUP_ENUM(id, ...) TLS_GROUP_##id,
enum tls_group {
	TLS_GROUPS(TLS_GROUP_ENUM) TLS_GROUP_COUNT,
	TLS_GROUP_OTHER = TLS_GROUP_COUNT /* none of these */
};

/* What is allowed if nothing is said, 1 << enum tls_group: all but P-521, which costs much and adds
 * little. */
#define TLS_GROUPS_ALL     ((1u << TLS_GROUP_COUNT) - 1)
#define TLS_GROUPS_DEFAULT (TLS_GROUPS_ALL & ~(1u << TLS_GROUP_P521))

/* "X25519", "P-256" ...; "other". */
const char *tls_group_label(enum tls_group group);
/* By Go's name, or by the registry's, whatever its case. TLS_GROUP_OTHER: there is none. */
enum tls_group tls_group_by_go_name(const char *name);
enum tls_group tls_group_by_registry_name(const char *name);

#endif
