/* SPDX-License-Identifier: Apache-2.0 */
/* How slow this machine is now: the times of wire_env.h follow it. */
#ifndef SLUICE_TESTS_WIRE_SPEED_H
#define SLUICE_TESTS_WIRE_SPEED_H

/*
 * Measures a few handshakes. 1: fast enough for the times as the tests have them; more: slower by
 * that factor, be it by its processor, by emulation or because others use it. certs: the folder of
 * wire_certs_make.
 */
double wire_slowness(const char *certs);

#endif
