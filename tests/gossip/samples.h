// SPDX-License-Identifier: Apache-2.0
/* samples.h - one well-formed example of everything that is signed, for tests to vary */
#ifndef AURORA_TESTS_GOSSIP_SAMPLES_H
#define AURORA_TESTS_GOSSIP_SAMPLES_H

#include "gossip/statement.h"

/* The pair of the seed that is all `number`. */
struct key_pair sample_pair(uint8_t number);
struct sign_scope sample_scope(void);

struct alive sample_alive(const struct key_pair *pair);
struct left sample_left(const struct key_pair *pair);
struct accusation sample_accusation(const struct key_pair *accuser, const struct key_pair *subject);
struct record sample_record(const struct key_pair *home, const char *peer_id);
struct deletion sample_deletion(const struct key_pair *home, const char *peer_id);
struct head sample_head(const struct key_pair *home);
struct command sample_command(const struct key_pair *origin, const struct key_pair *target,
                              const char *peer_id);

/* A peer that certifies itself: its id is kept in `text`. */
#define SAMPLE_PEER_ID_SIZE (8 + 2 * KEY_PUBLIC_BYTES + 1)
struct peer_description sample_certified(const struct key_pair *peer,
                                         char text[SAMPLE_PEER_ID_SIZE]);

/* Does the reader of this kind accept the bytes? */
bool sample_read(enum statement_kind kind, struct span bytes);

#endif
