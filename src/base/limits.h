/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every bound of the server, with its unit and its reason. Where an operator may move one, its
 * default and the bounds of that are here, and config/options.c, --help and the manual page take
 * them from here: the default as an operator writes it ("2m"), whatever the unit of the bound.
 */
#ifndef SLUICE_BASE_LIMITS_H
#define SLUICE_BASE_LIMITS_H

/* ---- Request heads --------------------------------------------------------------------- */

/* Bytes of a request head, request line included. S3 allows 8 KiB of fields; a signed request
 * with a 1,024 byte key, percent-encoded, needs 3 KiB more. One pooled buffer holds one head. */
#define HEAD_BYTES_MAX               16384
/* Fields of a request head. aws-cli sends about 15, a browser about 25. */
#define HEAD_FIELDS_MAX              64
/* Bytes of a response head that we write: fixed fields, and what an object's attributes hold. */
#define RESPONSE_HEAD_BYTES_MAX      (1024 + 2 * META_BYTES_MAX)
/* Bytes of an error body: template, and the escaped key (6 bytes for each of 1,024 at worst). */
#define ERROR_BODY_BYTES_MAX         8192
/* Bytes of an object key after decoding; S3's limit. */
#define OBJECT_KEY_BYTES_MAX         1024
/* Bytes of one component of a key: NAME_MAX of Linux file systems. */
#define KEY_COMPONENT_BYTES_MAX      255
/* Bytes of an object's stored response fields, and of its checksums. S3 allows 2 KiB of user
 * metadata; ext4 keeps all attributes of a file in 4 KiB. */
#define META_BYTES_MAX               3072
/* Bytes of a bucket name; S3's limit, and its least. */
#define BUCKET_BYTES_MAX             63
#define BUCKET_BYTES_MIN             3
/* A request body that no operation wants is read and dropped up to here so that the connection
 * stays usable; a longer one ends the connection after the answer. */
#define DISCARD_BODY_BYTES_MAX       65536

/* Keys and common prefixes of one page of a listing; S3's limit. */
#define LIST_PAGE_MAX                1000
/* Parts of a multipart upload, and bytes of each but the last; S3's limits. */
#define UPLOAD_PARTS_MAX             10000
#define UPLOAD_PART_BYTES_MIN        (5 * 1024 * 1024)
/* Names of a folder that are fetched at once: some hundred, and no more than a stack bears. */
#define FOLDER_READ_BYTES            8192
/* Buckets that are mount points and are watched. */
#define ROOT_MOUNTS_MAX              64
/* A request body that is read as a whole (XML): 10,000 parts with checksums take 2 MiB. */
#define REQUEST_TEXT_BYTES_MAX       (4 * 1024 * 1024)
/* XML of an answer: a page of 1,000 keys of 1,024 bytes, each byte as "%XX" or "&amp;". */
#define ANSWER_TEXT_BYTES_MAX        (16 * 1024 * 1024)

/* Bytes of a chunk's size line: 16 digits and extensions. aws-chunked signatures take 85. */
#define CHUNK_LINE_BYTES_MAX         256
/* Bytes of the trailer section behind the last chunk. */
#define CHUNK_TRAILER_BYTES_MAX      4096

/* ---- Time, in milliseconds unless the name says otherwise ------------------------------- */

/* Of every option that is a time: bounds that only keep arithmetic and habit within reason. */
#define TIMEOUT_MS_MIN               10
#define TIMEOUT_MS_MAX               (24ull * 3600 * 1000)

/* From accept to the client's Finished. Thanos gives 10 s (tls_handshake_timeout). */
#define HANDSHAKE_TIMEOUT_DEFAULT    "10s"
/* From the first byte of a head to its last. */
#define HEAD_TIMEOUT_DEFAULT         "10s"
/* A kept connection without a request. Go's idle pool keeps 90 s: ours must be longer, or the
 * client finds its connection closed under a request. */
#define IDLE_TIMEOUT_DEFAULT         "2m"
/* A connection older than this is closed after a response: its client verifies us, and we it, at
 * least so often. */
#define CONN_AGE_DEFAULT             "1h"
/* Bytes per second that a client takes at least, over --rate-window. */
#define MIN_RATE_DEFAULT             "1KiB"
#define MIN_RATE_BYTES_MAX           (1ull << 40)
#define RATE_WINDOW_DEFAULT          "30s"
/* Of a scrub. Off: only who runs the disk knows what it can spare. At most more than disks read. */
#define SCRUB_RATE_DEFAULT           "0"
#define SCRUB_RATE_BYTES_MAX         (1ull << 40)
/* Multipart uploads that nobody has touched for so long are removed. */
#define UPLOAD_EXPIRY_DEFAULT        "7d"
#define UPLOAD_EXPIRY_MS_MIN         60000
#define UPLOAD_EXPIRY_MS_MAX         (30ull * 24 * 3600 * 1000)
/* After our last byte: time for the client to read it and close (an early close makes the
 * kernel send RST, which can destroy an alert or an error answer on its way). Renewed while the
 * client moves bytes at --min-rate; as long as nginx's lingering_timeout. */
#define LINGER_MS                    5000
/* Bytes read and dropped while lingering: a part of a multipart upload, whose client sends on while
 * the answer that refuses it is under way. */
#define LINGER_BYTES_MAX             (64 * 1024 * 1024)
/* Time from SIGTERM to exit, busy connections or not. */
#define DRAIN_TIMEOUT_DEFAULT        "2m"
/* Granularity of the deadline wheel. A deadline fires at most this much late. */
#define TICK_MS                      100
/* Slots of the wheel; a deadline further away goes round. 1,024 x 100 ms > idle timeout/2. */
#define TICK_SLOTS                   1024
/* Pause of a listener after accept() ran out of descriptors or memory. */
#define ACCEPT_PAUSE_MS              250
/* Between two looks at the root; a look that takes longer than the other is no answer. */
#define ROOT_WATCH_MS                1000
#define ROOT_ANSWER_MS               2000
/* A cold file is read again or waited for at most this long before the connection is closed. */
#define DISK_TIMEOUT_MS              60000

/* ---- Work per wake-up -------------------------------------------------------------------- */

/* Bytes that one connection may send before the others get their turn: about two milliseconds of
 * sealing. */
#define TURN_BYTES_MAX               (2 * 1024 * 1024)
/* Connections accepted per wake-up of a listener. */
#define ACCEPTS_PER_WAKE             32
/* Pipelined requests served before the others get their turn. */
#define REQUESTS_PER_WAKE            16
/* Control records (alerts, KeyUpdates, empty records) handled in one receive call. */
#define CONTROL_RECORDS_PER_CALL     8
/* KeyUpdates accepted from one peer in any one second; more is a flood (HAProxy's default). */
#define KEYUPDATES_PER_SECOND_MAX    100

/* ---- Connections and memory --------------------------------------------------------------- */

#define WORKERS_MAX                  64
#define WORKERS_DEFAULT              0 /* one per CPU */
#define LISTENERS_MAX                16
#define CONNS_MAX_DEFAULT            20000
#define CONNS_MAX_MAX                1000000
/* Of one identity, 0: no limit. */
#define IDENTITY_CONNECTIONS_DEFAULT 0
#define LISTEN_BACKLOG               4096
/* Plaintext of one TLS record (RFC 8446 section 5.1). */
#define RECORD_PLAIN_MAX             16384
/* Records that the copy engine seals and sends at once: 8 x 16 KiB stay in the L2 cache, and
 * one send call carries them all. */
#define TX_RECORDS_MAX               8
/* Sending buffers (struct tx_buf: TX_RECORDS_MAX records, about 128 KiB) per worker. A response
 * that finds none free waits its turn. */
#define SEND_BUFFERS_DEFAULT         512
#define SEND_BUFFERS_MAX             65536
/* ... of which a response that has not begun leaves so many to those that have, and to the answer
 * that the server is busy. */
#define SEND_BUFFERS_SPARED          16
/* Head buffers per worker (HEAD_BYTES_MAX each); only a connection with half a head holds one. */
#define HEAD_BUFS_MAX                4096
/* Ciphertext buffers of the userspace record layer, per worker; only half a record holds one. */
#define RX_BUFS_MAX                  4096
/* Pipes per worker for the splice engine. An unprivileged user gets 64 pipes of 1 MiB in all
 * (fs.pipe-user-pages-soft = 16384 pages); past that a new pipe has two pages. */
#define PIPES_MAX                    16
#define PIPE_BYTES                   (1024 * 1024)
/* SQEs of a worker's ring; its CQ has four times as many. */
#define RING_ENTRIES                 1024
/* With less memory than that takes. */
#define RING_ENTRIES_MIN             128
/* The memory of a ring that was taken down, by us or a server before us, is given back by another
 * thread of the kernel: after 15 to 70 ms on a busy machine (Linux 6.18). */
#define RING_RELEASE_MS              300
/* Workers that io_uring may start for blocking file work, per ring (bounded and unbounded). */
#define RING_IOWQ_WORKERS_MAX        16

/* Threads for file-system calls that the ring cannot do (io/offload), for the whole process: so
 * many for calls that only look, and as many for those that write, whose syncs last. As many calls
 * wait for disks at once. */
#define OFFLOAD_THREADS_MAX          16

/* ---- Keys ---------------------------------------------------------------------------------- */

/* Records sealed with one AES-GCM key before it is changed: RFC 8446 section 5.5 gives 2^24.5
 * full-size records. Written out, as it becomes text; and the default is the most there may be. */
#define RECORDS_PER_KEY_DEFAULT      16777216
#define RECORDS_PER_KEY_MIN          16

/* ---- Choice of engine ----------------------------------------------------------------------- */

/* Below this a body goes with its head through one buffer (read + send); above, by sendfile. In
 * bench/cost (Linux 6.12, 2026-11-25) copy takes 4,730 instructions less than sendfile for 16 KiB,
 * and 0.19 a byte more for 64 MiB: they meet at about 41 KiB. */
#define SENDFILE_BYTES_MIN           (64 * 1024)

/* ---- Text ------------------------------------------------------------------------------------ */

#define LOG_LINE_BYTES_MAX           8192
/* A thread waits so long for a reader of the log that has stopped, once, and then loses lines. */
#define LOG_STALL_MS                 100
/* Lines of one kind and source (base/log_limit.h) that are written in a window: enough to see what
 * a broken client does, and no flood. With two kinds a connection, two workers and 1,000
 * connections a second, 8 lines a second remain of 4,000. */
#define LOG_LIMIT_LINES              20
#define LOG_LIMIT_WINDOW_MS          10000
/* Kinds and sources that are told apart at once, for each worker. */
#define LOG_LIMIT_ENTRIES            64
#define ADDR_TEXT_MAX                64
/* Of a peer: "[" 39 digits and colons "]:65535" and NUL; IPv4-mapped addresses are written as IPv4.
 */
#define SOCKET_TEXT_MAX              52
#define ERROR_TEXT_MAX               640
#define ACCESS_RULES_MAX             256
#define ACCESS_PATTERNS_MAX          32
#define ALLOWED_SANS_MAX             64
/* Of a server, chosen by the name that a client asks for. */
#define CERTIFICATES_MAX             16
/* Certificates and CRLs whose end /metrics tells: the server's, and CAs and lists of clients. */
#define TLS_EXPIRIES_MAX             (64 + CERTIFICATES_MAX)
/* Flaws of its certificates and lists that are told with words; all are counted. */
#define TLS_FLAWS_MAX                16
#define IDENTITY_TEXT_MAX            512 /* in a log; cut */
#define TLS_SERIAL_MAX               43  /* 21 bytes in hex, with its NUL */
#define TLS_NAME_MAX                 128 /* of a certificate, with its NUL; cut */
/* Entries of client_cas. */
#define CLIENT_CAS_MAX               16
#define CA_VOUCHES_MAX               64
#define CA_NAME_MAX                  64 /* of an entry, with its NUL */
/* Certificates of a client's chain, and their bytes, that are kept to verify it again. */
#define PEER_CERTS_MAX               8
#define PEER_DER_BYTES_MAX           (64 * 1024)
/* Of clients that have no connection, kept so that their next one finds them verified. */
#define PEER_IDLE_BYTES_MAX          (1024 * 1024)
#define PATTERN_BYTES_MAX            512
#define CONFIG_BYTES_MAX             (1024 * 1024)
/* For who writes a file that is a pipe. */
#define FILE_PIPE_WAIT_MS            5000
/* Of a PEM file: a list of a million revoked certificates has about 50 MiB. */
#define PEM_BYTES_MAX                (256 * 1024 * 1024)
/* Brackets [ and { in it: libyaml's time grows with the square of how deep they nest (131,072 take
 * half a minute), and the most rules there may be use 1,024. */
#define CONFIG_BRACKETS_MAX          4096
/* Endpoint files: groups, addresses and file names of all groups together (aliases of YAML could
 * repeat a list without end), labels of a target group, bytes of a gRPC service_config. The largest
 * Thanos queriers have some hundred endpoints. */
#define ENDPOINT_GROUPS_MAX          1024
#define ENDPOINT_ADDRESSES_MAX       4096
#define ENDPOINT_FILES_MAX           256
#define ENDPOINT_LABELS_MAX          64
#define ENDPOINT_HOST_BYTES_MAX      253 /* RFC 1035 section 2.3.4, as text */
#define ENDPOINT_SERVICE_BYTES_MAX   16384
/* Of a server, as a client expects it: RFC 1035 section 2.3.4, as text. */
#define SERVER_NAME_BYTES_MAX        253
#define IDENTITY_NAMES_MAX           64
#define IDENTITY_BYTES_MAX           4096

#endif
