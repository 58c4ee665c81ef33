/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How slow this machine is now: the deadlines of wire_env.h follow it.
 */
#ifndef SLUICE_TESTS_WIRE_SPEED_H
#define SLUICE_TESTS_WIRE_SPEED_H

/*
 * Measures for a few handshakes' time: 1 on a machine for which times are written down, more on a
 * slower one, be it by its processor, by emulation or because others use it. certs: the folder of
 * wire_certs_make.
 */
double wire_slowness(const char *certs);

#endif
