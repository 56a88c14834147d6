// SPDX-License-Identifier: Apache-2.0
/* http_reader.h - a connection's input side: from bytes to requests; http_conn.c's other half */
#ifndef AURORA_NODE_HTTP_READER_H
#define AURORA_NODE_HTTP_READER_H

#include "node/http_conn.h"

void http_reader_init(struct http_conn *);
/* Answers the request that is being read with this error, and reads no more. */
void http_reader_refuse(struct http_conn *, unsigned status, const char *text);

#endif
