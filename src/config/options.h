/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of options. One row makes the flag, the key of the YAML file, the
 * check, the default, the line of --help and of the manual page.
 */
#ifndef SLUICE_CONFIG_OPTIONS_H
#define SLUICE_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/limits.h"

enum option_type {
	OPTION_PATH,
	OPTION_ADDRESS,   /* "none": empty */
	OPTION_ADDRESSES, /* may be given several times */
	OPTION_CHOICE,    /* int-sized enum, by its place in choices */
	OPTION_BOOL,
	OPTION_UNSIGNED, /* a number */
	OPTION_U64,
	OPTION_BYTES,    /* a number with KiB, MiB, GiB; uint64_t */
	OPTION_DURATION, /* Prometheus style: 1m30s, 500ms; unsigned, milliseconds */
	OPTION_CIPHERS,  /* a list of cipher suites */
	OPTION_GROUPS,   /* a list of groups of the key exchange, by Go's names */
	OPTION_SANS,     /* a list of names; in the file only */
	OPTION_TEXT,     /* anything but nothing; PATH_MAX bytes */
	OPTION_ONLY      /* accepts the words of choices and stores nothing */
};

struct option {
	const char *flag; /* without "--"; NULL: in the file only */
	const char *key;  /* in the file, "section.key"; NULL: on the command line only */
	enum option_type type;
	size_t offset;              /* in struct config, or the struct of the command */
	const char *initial;        /* as an operator would write it; NULL: none */
	uint64_t min, max;          /* of numbers, sizes and durations */
	const char *const *choices; /* NULL-terminated */
	const char *value_name;     /* in --help */
	const char *help;           /* one sentence */
};

/* Of `sluice serve`. */
extern const struct option options[];
extern const size_t options_count;

/* The options of one command: rows of its own, and those of base, if there is one. */
struct option_table {
	const struct option *row;
	size_t count;
	const struct option_table *base;
};

extern const struct option_table serve_options;
extern const struct option_table check_options; /* those of serve, and its own */

/* Words of choices that several commands have. */
extern const char *const tls_path_words[];

/* NULL: there is none. */
const struct option *option_find(const struct option_table *table, const char *flag, size_t len);
/* Among those of serve. */
const struct option *option_by_flag(const char *flag, size_t len);
const struct option *option_by_key(const char *key);

/*
 * Stores value in target, the struct that the option's table is about (lists: a struct config).
 * is_first: of a list, the items that were there go. 0, or -EINVAL with what is accepted in error
 * (without the option's name or place, which the caller knows).
 */
int option_set(void *target, const struct option *option, const char *value, bool is_first,
	       char error[ERROR_TEXT_MAX]);
/* Every option that has an initial value gets it. */
void options_init(void *target, const struct option_table *table);

/* One argument of a command line. */
struct argument {
	const struct option *option; /* NULL: --help */
	const char *value;
};

/* The argument at argv[*at], and its value; *at moves past it. --name=value, --name value, and of
 * true|false also --name and --no-name: the next argument is its value only if it is one of those
 * two words. 0, or -EINVAL with one line in error. */
int argument_next(const struct option_table *table, int argc, char *const argv[], int *at,
		  struct argument *argument, char error[ERROR_TEXT_MAX]);

enum { OPTIONS_READY, OPTIONS_HELP };
/* The command line of a command whose options are all in the table: defaults first, then argv (from
 * argv[1] on). OPTIONS_READY, OPTIONS_HELP: --help was among them, or -EINVAL with one line. */
int options_load(void *target, const struct option_table *table, int argc, char *const argv[],
		 char error[ERROR_TEXT_MAX]);

/* The options of a table, for --help and for the section OPTIONS of a manual page. */
void options_print_help(FILE *out, const struct option_table *table);
void options_print_man(FILE *out, const struct option_table *table);
/* How they are written, a sentence for both. */
#define OPTIONS_FORM                                                                               \
	"Options are written --name=value or --name value; those of true|false also --name and "   \
	"--no-name. If an option is repeated, the last one wins."

/* Wraps text at 100 columns; the caller has already written indent columns of the first line. */
void help_print_wrapped(FILE *out, const char *text, int indent);

/* One option that must be given. */
struct option_required {
	const char *flag;
	bool is_given;
};
/* 0, or -EINVAL with one line that names all that are missing, and their keys in the file. */
int options_check_required(const struct option_table *table, const struct option_required *required,
			   size_t count, char error[ERROR_TEXT_MAX]);

/* Bytes of a size as OPTION_BYTES has it. As below. */
int bytes_parse(const char *text, uint64_t *bytes);

/* Milliseconds of a duration as OPTION_DURATION has it; "0" too. 0, -EINVAL, or -ERANGE. */
int duration_parse(const char *text, uint64_t *ms);

/* Edit distance, for "did you mean"; at most limit + 1. */
unsigned text_distance(const char *a, const char *b, unsigned limit);
/* The distance up to which a known word was probably meant by what was typed: 3, or half of it. */
unsigned text_near(const char *typed);

#endif
