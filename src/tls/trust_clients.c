/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom we trust: CAs and revocation lists of clients, from files -> X509_STORE.
 *
 * A start refuses what its owner cannot have meant. A reload refuses nothing as a whole: each file,
 * CA and list counts by itself, so that what takes rights away (a client on a list, a CA that is
 * gone) counts at once, whatever is wrong beside it; only what would be worse than what is in force
 * is left out, and that which is in force stays in its place: a bundle that cannot be read, a CA
 * that has expired, a list that has.
 */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/pem.h"
#include "tls/tls_ctx_private.h"

struct load {
	struct tls_ctx *ctx;
	const struct tls_ctx *before; /* in force; NULL: a start */
	struct tls_ca_group *group;
	const struct tls_ca_group *old; /* the same, in force; NULL: there is none */
	bool is_config_kept;            /* the configuration is that of before */
	char *error;
};

/* What a start refuses: 0 on a reload, where it is a flaw. */
static int flaw_of_start(const struct load *load, enum tls_flaw_kind kind, const char *why)
{
	if (load->before == NULL) {
		snprintf(load->error, ERROR_TEXT_MAX, "%s", why);
		return -EINVAL;
	}
	tls_flaw(load->ctx, kind, "%s", why);
	return 0;
}

static int no_memory(const struct load *load, const char *file)
{
	tls_explain(load->error, file, "no memory");
	return -ENOMEM;
}

/* ---- CAs ------------------------------------------------------------------------------------- */

static int push_ca(const struct load *load, X509 *ca)
{
	if (X509_up_ref(ca) != 1)
		return no_memory(load, load->group->from.ca_file);
	if (sk_X509_push(load->group->cas, ca) > 0)
		return 0;
	X509_free(ca);
	return no_memory(load, load->group->from.ca_file);
}

static bool has_ca(const struct tls_ca_group *group, X509 *ca)
{
	for (int i = 0; i < sk_X509_num(group->cas); i++)
		if (X509_cmp(sk_X509_value(group->cas, i), ca) == 0)
			return true;
	return false;
}

static bool is_current(const X509 *cert)
{
	return !tls_is_past(X509_get0_notAfter(cert));
}

bool tls_is_same_ca(const X509 *a, const X509 *b)
{
	return X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0 &&
	       EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
}

/* The one of some of this name and key that has not expired; NULL: there is none. */
static X509 *find_current(const STACK_OF(X509) * cas, const X509 *ca)
{
	for (int i = 0; i < sk_X509_num(cas); i++) {
		X509 *other = sk_X509_value(cas, i);
		if (is_current(other) && tls_is_same_ca(other, ca))
			return other;
	}
	return NULL;
}

bool tls_group_has(const struct tls_ca_group *group, const X509 *ca)
{
	for (int i = 0; i < sk_X509_num(group->cas); i++)
		if (tls_is_same_ca(sk_X509_value(group->cas, i), ca))
			return true;
	return false;
}

const struct tls_ca_group *tls_group_with(const struct tls_ctx *ctx, const X509 *ca)
{
	for (unsigned g = 0; g < ctx->group_count; g++)
		if (tls_group_has(&ctx->group[g], ca))
			return &ctx->group[g];
	return NULL;
}

/* One of all that the file has. 0, also if it is left out. */
static int add_ca(const struct load *load, const STACK_OF(X509) * all, X509 *ca)
{
	const char *file = load->group->from.ca_file;
	char subject[TLS_NAME_MAX], why[ERROR_TEXT_MAX];

	tls_name_text(X509_get_subject_name(ca), subject);
	if (X509_check_ca(ca) == 0) {
		snprintf(
			why, sizeof(why),
			"%.200s: the certificate of %s is not one of a CA; --client-ca names those "
			"that issue clients' certificates",
			file, subject);
		return flaw_of_start(load, TLS_FLAW_CA_UNUSABLE, why);
	}
	if (X509_get0_pubkey(ca) == NULL) {
		ERR_clear_error();
		snprintf(why, sizeof(why),
			 "%.200s: the key of the CA %s is of a kind that cannot be used here", file,
			 subject);
		return flaw_of_start(load, TLS_FLAW_CA_UNUSABLE, why);
	}
	if (has_ca(load->group, ca))
		return 0;
	/* The rules that are in force are not about it: it would get what nobody has given it. */
	if (load->is_config_kept && tls_group_with(load->before, ca) == NULL) {
		tls_flaw(load->ctx, TLS_FLAW_CA_KEPT,
			 "%.200s: the CA %s is new, and counts when the configuration can be read",
			 file, subject);
		return 0;
	}
	bool is_renewed = is_current(ca) || find_current(all, ca) != NULL;
	X509 *better = is_renewed || load->old == NULL ? NULL : find_current(load->old->cas, ca);
	if (better != NULL) {
		tls_flaw(load->ctx, TLS_FLAW_CA_KEPT,
			 "%.200s: the CA %s has expired; its certificate that is in force stays",
			 file, subject);
		return has_ca(load->group, better) ? 0 : push_ca(load, better);
	}
	if (!is_current(ca))
		tls_flaw(load->ctx, TLS_FLAW_CA_EXPIRED,
			 "%.200s: the CA %s has expired; its clients are refused", file, subject);
	return push_ca(load, ca);
}

/* Is the entry just what it was? What is in force of it stays for nothing else: it would get other
 * rights, or be without its lists. */
static bool is_as_before(const struct load *load)
{
	const struct client_ca *from = &load->group->from;

	return load->old != NULL && client_ca_is_same(&load->old->from, from) &&
	       strcmp(load->old->from.ca_file, from->ca_file) == 0 &&
	       strcmp(load->old->from.crl_file, from->crl_file) == 0;
}

/* The bundle cannot be used, as load->error says: what is in force stays. -EINVAL: there is nothing
 * that could stay. */
static int keep_cas(const struct load *load)
{
	if (!is_as_before(load))
		return -EINVAL;
	tls_flaw(load->ctx, TLS_FLAW_CA_KEPT, "%s; the CAs that are in force stay", load->error);
	for (int i = 0; i < sk_X509_num(load->old->cas); i++) {
		X509 *ca = sk_X509_value(load->old->cas, i);
		if (!has_ca(load->group, ca) && push_ca(load, ca) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int load_cas(const struct load *load)
{
	char ignored[ERROR_TEXT_MAX] = "";
	struct tls_ca_group *group = load->group;
	const struct pem_wanted wanted = {PEM_CERT, "CA certificates of clients", "--client-ca",
					  ignored, group->ca_text};
	STACK_OF(X509) *cas = pem_read_certs(group->from.ca_file, &wanted, load->error);
	bool is_one_current = false;
	int r = 0;

	if (cas == NULL)
		return keep_cas(load);
	if (ignored[0] != '\0' && strcmp(group->from.ca_file, group->from.crl_file) != 0)
		tls_flaw(load->ctx, TLS_FLAW_PEM_IGNORED, "%s", ignored);
	for (int i = 0; r == 0 && i < sk_X509_num(cas); i++)
		r = add_ca(load, cas, sk_X509_value(cas, i));
	sk_X509_pop_free(cas, X509_free);
	if (r == 0 && sk_X509_num(group->cas) == 0) {
		tls_explain(load->error, group->from.ca_file,
			    "no certificate of it is one of a CA");
		return keep_cas(load);
	}
	for (int i = 0; i < sk_X509_num(group->cas); i++)
		is_one_current |= is_current(sk_X509_value(group->cas, i));
	if (r < 0 || is_one_current)
		return r;
	char why[ERROR_TEXT_MAX];
	snprintf(why, sizeof(why), "%.200s: every CA of this file has expired",
		 group->from.ca_file);
	return flaw_of_start(load, TLS_FLAW_CA_EXPIRED, why);
}

/* ---- Revocation lists ------------------------------------------------------------------------ */

/* As the verifier will look for a list of this CA: by name and key identifier, then the CA's right
 * to sign lists, then the signature. */
bool tls_is_list_of(X509_CRL *crl, X509 *ca)
{
	AUTHORITY_KEYID *key_id =
		X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
	bool is_meant = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)) == 0 &&
			(X509_get_key_usage(ca) & KU_CRL_SIGN) != 0 &&
			X509_check_akid(ca, key_id) == X509_V_OK;
	AUTHORITY_KEYID_free(key_id);
	bool is_its = is_meant && X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1;
	ERR_clear_error();
	return is_its;
}

static bool is_list_of_any(X509_CRL *crl, const struct tls_ca_group *group)
{
	for (int i = 0; i < sk_X509_num(group->cas); i++)
		if (tls_is_list_of(crl, sk_X509_value(group->cas, i)))
			return true;
	return false;
}

/* Is there a CA with the name of the list's? */
static bool is_in_name_of_any(const X509_CRL *crl, const struct tls_ca_group *group)
{
	for (int i = 0; i < sk_X509_num(group->cas); i++)
		if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
				  X509_get_subject_name(sk_X509_value(group->cas, i))) == 0)
			return true;
	return false;
}

/* Delta lists, and those for some reasons or of other issuers' certificates, are passed over by the
 * verifier without a word: whom they revoke would be let in. */
static bool is_complete(const X509_CRL *crl)
{
	int found;
	ISSUING_DIST_POINT *scope =
		X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &found, NULL);
	bool is_limited = scope != NULL && (scope->indirectCRL > 0 || scope->onlyattr > 0 ||
					    scope->onlysomereasons != NULL);
	bool is_broken = scope == NULL && found != -1;
	ISSUING_DIST_POINT_free(scope);
	return !is_limited && !is_broken && X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0;
}

static bool has_ended(const X509_CRL *crl)
{
	const ASN1_TIME *next_update = X509_CRL_get0_nextUpdate(crl);
	return next_update != NULL && tls_is_past(next_update);
}

bool tls_is_list_in_force(const X509_CRL *crl)
{
	return !has_ended(crl) && tls_is_past(X509_CRL_get0_lastUpdate(crl));
}

static int push_crl(const struct load *load, X509_CRL *crl)
{
	if (X509_CRL_up_ref(crl) != 1)
		return no_memory(load, load->group->from.crl_file);
	if (sk_X509_CRL_push(load->group->crls, crl) > 0)
		return 0;
	X509_CRL_free(crl);
	return no_memory(load, load->group->from.crl_file);
}

/* 0, also if it is left out. */
static int add_crl(const struct load *load, X509_CRL *crl)
{
	const char *file = load->group->from.crl_file;
	char issuer[TLS_NAME_MAX], why[ERROR_TEXT_MAX];

	tls_name_text(X509_CRL_get_issuer(crl), issuer);
	if (!is_list_of_any(crl, load->group)) {
		bool is_in_name = is_in_name_of_any(crl, load->group);
		snprintf(why, sizeof(why),
			 "%.200s: the CRL of %s is not signed by a CA of --client-ca (of its name "
			 "and key identifier, and with keyUsage cRLSign); leave it out, or add its "
			 "CA",
			 file, issuer);
		/* Of a CA that was taken away, most likely. Its clients are not let in anyway. */
		if (!is_in_name)
			tls_flaw(load->ctx, TLS_FLAW_CRL_FOREIGN, "%s", why);
		return is_in_name ? flaw_of_start(load, TLS_FLAW_CRL_UNUSABLE, why) : 0;
	}
	if (!is_complete(crl)) {
		snprintf(why, sizeof(why),
			 "%.200s: the CRL of %s is not a complete one, but a delta, or for some "
			 "reasons or other issuers' certificates only; bring a complete one",
			 file, issuer);
		return flaw_of_start(load, TLS_FLAW_CRL_UNUSABLE, why);
	}
	return push_crl(load, crl);
}

/* The list of this CA that counts, of some: the one in force, else the last. NULL: there is none.
 */
static X509_CRL *list_of(const STACK_OF(X509_CRL) * crls, X509 *ca)
{
	X509_CRL *last = NULL;
	for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(crls, i);
		if (!tls_is_list_of(crl, ca))
			continue;
		last = crl;
		if (tls_is_list_in_force(crl))
			break;
	}
	return last;
}

static bool has_crl(const struct tls_ca_group *group, const X509_CRL *crl)
{
	for (int i = 0; i < sk_X509_CRL_num(group->crls); i++)
		if (X509_CRL_match(sk_X509_CRL_value(group->crls, i), crl) == 0)
			return true;
	return false;
}

/* All lists of this CA that there were, ended ones as well: whom they revoke stays revoked. 1: one
 * of them is in force; 0: none is; -ENOMEM. */
static int keep_lists(const struct load *load, X509 *ca)
{
	int r = 0;

	for (int i = 0; load->old != NULL && r >= 0 && i < sk_X509_CRL_num(load->old->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(load->old->crls, i);
		if (!tls_is_list_of(crl, ca) || has_crl(load->group, crl))
			continue;
		int pushed = push_crl(load, crl);
		r = pushed < 0 ? pushed : r == 1 || tls_is_list_in_force(crl);
	}
	return r;
}

/* Is a list of this CA in force? If not, and one is by what was read before, that one stays; if not
 * that either, none of the CA's clients gets in. */
static int cover(const struct load *load, X509 *ca)
{
	const char *file = load->group->from.crl_file;
	X509_CRL *crl = list_of(load->group->crls, ca);
	char subject[TLS_NAME_MAX];

	if (crl != NULL && tls_is_list_in_force(crl))
		return 0;
	int kept = keep_lists(load, ca);
	if (kept < 0)
		return kept;
	tls_name_text(X509_get_subject_name(ca), subject);
	if (kept == 1)
		tls_flaw(load->ctx, TLS_FLAW_CRL_KEPT,
			 "%.200s: %s of %s%s; the one that is in force stays", file,
			 crl != NULL ? "the CRL" : "there is no usable CRL", subject,
			 crl == NULL      ? ""
			 : has_ended(crl) ? " is past its next update"
					  : " is not valid yet");
	else if ((crl = list_of(load->group->crls, ca)) == NULL)
		tls_flaw(load->ctx, TLS_FLAW_CRL_MISSING,
			 "%.200s: there is no CRL of the CA %s; certificates that it issued itself "
			 "are refused",
			 file, subject);
	else if (has_ended(crl))
		tls_flaw(load->ctx, TLS_FLAW_CRL_EXPIRED,
			 "%.200s: the CRL of %s is past its next update, so its clients are "
			 "refused; bring a current one",
			 file, subject);
	else
		tls_flaw(load->ctx, TLS_FLAW_CRL_NOT_YET_VALID,
			 "%.200s: the CRL of %s is not valid yet, so its clients are refused; see "
			 "the clock of this machine",
			 file, subject);
	return 0;
}

/* NULL: load->error says why, and nothing of it can be used. Else what can be; on a reload a list
 * that is damaged does not keep another from counting. */
static STACK_OF(X509_CRL) * read_crls(const struct load *load)
{
	static const struct pem_wanted wanted = {PEM_CRL, "a CRL", "--crl", NULL, NULL};
	STACK_OF(X509_CRL) *crls = pem_read_crls(load->group->from.crl_file, &wanted, load->error);

	if (crls != NULL || !is_as_before(load))
		return crls;
	tls_flaw(load->ctx, TLS_FLAW_CRL_KEPT, "%s", load->error);
	crls = pem_salvage_crls(load->group->from.crl_file);
	return crls != NULL ? crls : sk_X509_CRL_new_null();
}

static int load_crls(const struct load *load)
{
	STACK_OF(X509_CRL) *crls = read_crls(load);
	int r = crls != NULL ? 0 : -EINVAL;

	for (int i = 0; r == 0 && i < sk_X509_CRL_num(crls); i++)
		r = add_crl(load, sk_X509_CRL_value(crls, i));
	for (int i = 0; r == 0 && i < sk_X509_num(load->group->cas); i++)
		r = cover(load, sk_X509_value(load->group->cas, i));
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return r;
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static const struct tls_ca_group *find_group(const struct tls_ctx *ctx, const char *name)
{
	for (unsigned i = 0; ctx != NULL && i < ctx->group_count; i++)
		if (strcmp(ctx->group[i].from.name, name) == 0)
			return &ctx->group[i];
	return NULL;
}

/* Without key identifiers the verifier takes the first of a name, whoever signed. */
static void note_alike(struct tls_ctx *ctx, const struct tls_ca_group *group, X509 *ca)
{
	char subject[TLS_NAME_MAX];

	for (unsigned g = 0; g < ctx->group_count; g++) {
		for (int i = 0; i < sk_X509_num(ctx->group[g].cas); i++) {
			X509 *other = sk_X509_value(ctx->group[g].cas, i);
			if (other == ca)
				return; /* each pair once */
			if (X509_NAME_cmp(X509_get_subject_name(other),
					  X509_get_subject_name(ca)) != 0 ||
			    EVP_PKEY_eq(X509_get0_pubkey(other), X509_get0_pubkey(ca)) == 1 ||
			    (X509_get0_subject_key_id(other) != NULL &&
			     X509_get0_subject_key_id(ca) != NULL))
				continue;
			tls_name_text(X509_get_subject_name(ca), subject);
			tls_flaw(ctx, TLS_FLAW_CA_AMBIGUOUS,
				 "%.200s: two CAs have the subject %s and no key identifiers: "
				 "clients of one of "
				 "them may be refused; have them issued anew with "
				 "subjectKeyIdentifier",
				 group->from.ca_file, subject);
			return;
		}
	}
}

static int store_fill(struct tls_ctx *ctx, const struct tls_ca_group *group)
{
	for (int i = 0; i < sk_X509_num(group->cas); i++) {
		X509 *ca = sk_X509_value(group->cas, i);
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(ca));
		if (name == NULL || sk_X509_NAME_push(ctx->ca_names, name) <= 0) {
			X509_NAME_free(name);
			return -ENOMEM;
		}
		if (X509_STORE_add_cert(ctx->clients, ca) != 1)
			return -ENOMEM;
		tls_note_cert(ctx, TLS_EXPIRY_CLIENT_CA, group->from.ca_file, ca);
		note_alike(ctx, group, ca);
	}
	for (int i = 0; i < sk_X509_CRL_num(group->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(group->crls, i);
		if (X509_STORE_add_crl(ctx->clients, crl) != 1)
			return -ENOMEM;
		tls_note_expiry(ctx, TLS_EXPIRY_CRL, group->from.crl_file, X509_CRL_get_issuer(crl),
				X509_CRL_get0_nextUpdate(crl));
	}
	return 0;
}

static int group_load(struct tls_ctx *ctx, const struct tls_ctx *before, struct tls_ca_group *group,
		      bool is_config_kept, char error[ERROR_TEXT_MAX])
{
	struct load load = {.ctx = ctx,
			    .before = before,
			    .group = group,
			    .old = find_group(before, group->from.name),
			    .is_config_kept = is_config_kept,
			    .error = error};

	group->cas = sk_X509_new_null();
	group->crls = sk_X509_CRL_new_null();
	if (group->cas == NULL || group->crls == NULL)
		return no_memory(&load, group->from.ca_file);
	int r = load_cas(&load);
	if (r == 0 && group->from.crl_file[0] != '\0')
		r = load_crls(&load);
	return r;
}

static void drop_ca(struct tls_ca_group *group, const X509 *ca)
{
	for (int i = sk_X509_num(group->cas) - 1; i >= 0; i--)
		if (tls_is_same_ca(sk_X509_value(group->cas, i), ca))
			X509_free(sk_X509_delete(group->cas, i));
}

/* An anchor of two entries could vouch for the names of both: a start refuses that. On a reload it
 * counts where it does before; if nowhere, for none of them. ca is borrowed from nobody that drops
 * it. */
static int part_anchor(const struct load *load, X509 *ca, unsigned first, unsigned other)
{
	struct tls_ctx *ctx = load->ctx;
	char subject[TLS_NAME_MAX], why[ERROR_TEXT_MAX];

	tls_name_text(X509_get_subject_name(ca), subject);
	snprintf(why, sizeof(why),
		 "%.200s: the CA %s is in both entries %s and %s of client_cas; it can vouch for "
		 "the "
		 "names of one only",
		 ctx->group[other].from.ca_file, subject, ctx->group[first].from.name,
		 ctx->group[other].from.name);
	if (flaw_of_start(load, TLS_FLAW_CA_UNUSABLE, why) < 0)
		return -EINVAL;
	for (unsigned g = first; g < ctx->group_count; g++) {
		const struct tls_ca_group *old = find_group(load->before, ctx->group[g].from.name);
		if (old == NULL || !tls_group_has(old, ca))
			drop_ca(&ctx->group[g], ca);
	}
	return 0;
}

static int part_anchors(const struct load *load)
{
	struct tls_ctx *ctx = load->ctx;
	int r = 0;

	for (unsigned a = 0; a < ctx->group_count; a++) {
		for (unsigned b = a + 1; b < ctx->group_count; b++) {
			for (int i = sk_X509_num(ctx->group[b].cas) - 1; r == 0 && i >= 0; i--) {
				X509 *ca = sk_X509_value(ctx->group[b].cas, i);
				if (ca == NULL || !tls_group_has(&ctx->group[a], ca) ||
				    X509_up_ref(ca) != 1)
					continue;
				r = part_anchor(load, ca, a, b);
				X509_free(ca);
			}
		}
	}
	return r;
}

int tls_clients_load(struct tls_ctx *ctx, const struct tls_ctx *before, bool is_config_kept,
		     char error[ERROR_TEXT_MAX])
{
	bool has_lists = false;
	int r = 0;

	ctx->clients = X509_STORE_new();
	ctx->ca_names = sk_X509_NAME_new_null();
	if (ctx->clients == NULL || ctx->ca_names == NULL)
		r = -ENOMEM;
	for (unsigned i = 0; r == 0 && i < ctx->group_count; i++) {
		r = group_load(ctx, before, &ctx->group[i], is_config_kept, error);
		has_lists |= ctx->group[i].from.crl_file[0] != '\0';
	}
	if (r == 0)
		r = part_anchors(&(struct load){.ctx = ctx, .before = before, .error = error});
	for (unsigned i = 0; r == 0 && i < ctx->group_count; i++)
		r = store_fill(ctx, &ctx->group[i]);
	if (r == 0 && has_lists)
		X509_STORE_set_flags(ctx->clients,
				     X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	if (r == -ENOMEM)
		tls_explain(error, "CAs of clients", "no memory");
	return r < 0 ? -EINVAL : 0;
}

void tls_clients_fini(struct tls_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->group_count; i++) {
		free(ctx->group[i].ca_text);
		sk_X509_pop_free(ctx->group[i].cas, X509_free);
		sk_X509_CRL_pop_free(ctx->group[i].crls, X509_CRL_free);
		client_ca_fini(&ctx->group[i].from);
	}
	X509_STORE_free(ctx->clients);
	sk_X509_NAME_pop_free(ctx->ca_names, X509_NAME_free);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool is_same_group(const struct tls_ca_group *a, const struct tls_ca_group *b)
{
	if (!client_ca_is_same(&a->from, &b->from) || sk_X509_num(a->cas) != sk_X509_num(b->cas) ||
	    sk_X509_CRL_num(a->crls) != sk_X509_CRL_num(b->crls))
		return false;
	for (int i = 0; i < sk_X509_num(a->cas); i++)
		if (X509_cmp(sk_X509_value(a->cas, i), sk_X509_value(b->cas, i)) != 0)
			return false;
	for (int i = 0; i < sk_X509_CRL_num(a->crls); i++)
		if (!has_crl(b, sk_X509_CRL_value(a->crls, i)))
			return false;
	return true;
}

bool tls_ctx_trusts_the_same(const struct tls_ctx *a, const struct tls_ctx *b)
{
	if (a->group_count != b->group_count || a->allowed_san_count != b->allowed_san_count)
		return false;
	for (unsigned i = 0; i < a->allowed_san_count; i++)
		if (strcmp(a->allowed_sans[i], b->allowed_sans[i]) != 0)
			return false;
	for (unsigned i = 0; i < a->group_count; i++)
		if (!is_same_group(&a->group[i], &b->group[i]))
			return false;
	return true;
}
