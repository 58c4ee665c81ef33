/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates of a run, made with the TLS library in this process (P-256, SHA-256).
 *
 *   DIR/ca.crt  DIR/other-ca.crt  DIR/NAME.crt  DIR/NAME.key
 *   DIR/middle.crt  DIR/sibling.crt: intermediate CAs, issued by ca; DIR/middle.crl: revokes nobody
 *   DIR/ca.crl  of ca, with the revoked ones; DIR/none.crl: before they were; DIR/stale.crl: out of
 *   date; DIR/other-ca.crl, DIR/other-stale.crl: revoke nobody;
 *   DIR/no-middle.crl: of ca, revokes the CA middle; and lists of ca that are no whole ones
 * (wire_certs.c)
 */
#ifndef SLUICE_TESTS_WIRE_CERTS_H
#define SLUICE_TESTS_WIRE_CERTS_H

/* C(ID, file name, purposes, subjectAltName or "", valid from, valid until in days, flags) */
#define WIRE_CERTS(C)                                                                              \
	C(GOOD, "good", "clientAuth", "DNS:good.clients.test,DNS:second.clients.test", -1, 30, 0)  \
	C(SERVER, "server", "serverAuth", "DNS:localhost,IP:127.0.0.1", -1, 30, 0)                 \
	C(URI, "uri", "clientAuth", "DNS:uri.clients.test,URI:spiffe://test/ns/a/sa/store", -1,    \
	  30, 0)                                                                                   \
	C(CN_ONLY, "cn-only", "clientAuth", "", -1, 30, 0)                                         \
	C(BOTH_PURPOSES, "both", "serverAuth,clientAuth", "DNS:both.clients.test", -1, 30, 0)      \
	C(EXPIRED, "expired", "clientAuth", "DNS:expired.clients.test", -30, -1, 0)                \
	C(NOT_YET_VALID, "early", "clientAuth", "DNS:early.clients.test", 2, 30, 0)                \
	C(WRONG_CA, "wrong-ca", "clientAuth", "DNS:good.clients.test", -1, 30, CERT_BY_OTHER_CA)   \
	C(SELF_SIGNED, "self", "clientAuth", "DNS:good.clients.test", -1, 30, CERT_BY_ITSELF)      \
	C(WRONG_PURPOSE, "purpose", "serverAuth", "DNS:purpose.clients.test", -1, 30, 0)           \
	C(REVOKED, "revoked", "clientAuth", "DNS:revoked.clients.test", -1, 30, CERT_IS_REVOKED)   \
	C(WEAK, "weak", "clientAuth", "DNS:weak.clients.test", -1, 30, CERT_IS_WEAK)               \
	C(OLD_SERVER, "old-server", "serverAuth", "DNS:localhost", -30, -1, 0)                     \
	C(NEW_SERVER, "new-server", "serverAuth", "DNS:localhost,IP:127.0.0.1", -1, 30, 0)         \
	C(BY_MIDDLE, "by-middle", "clientAuth", "DNS:middle.clients.test", -1, 30, CERT_BY_MIDDLE) \
	C(BY_SIBLING, "by-sibling", "clientAuth", "DNS:sibling.clients.test", -1, 30,              \
	  CERT_BY_SIBLING)                                                                         \
	C(NAMED, "named", "serverAuth", "DNS:a.example,DNS:*.wild.example", -1, 30, 0)             \
	C(NEW_NAMED, "new-named", "serverAuth", "DNS:a.example,DNS:*.wild.example", -1, 30, 0)

#define CERT_BY_OTHER_CA        1
#define CERT_BY_ITSELF          2
#define CERT_IS_REVOKED         4
#define CERT_IS_WEAK            8  /* its key is one that no security level takes */
#define CERT_BY_MIDDLE          16 /* a CA that ca has issued */
#define CERT_BY_SIBLING         32 /* another one */

#define WIRE_CERT_ENUM(id, ...) WIRE_CERT_##id,
/* GOOD is 0, what a client uses when nothing is said. NONE: it sends no certificate. */
enum wire_cert { WIRE_CERTS(WIRE_CERT_ENUM) WIRE_CERT_COUNT, WIRE_CERT_NONE = WIRE_CERT_COUNT };

/* Makes all of them in a folder that is there. Aborts the program when it cannot. */
void wire_certs_make(const char *dir);
const char *wire_cert_name(enum wire_cert cert);

#endif
