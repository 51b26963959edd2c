/* OpenSSL's side of the table. It reads a line and answers with one:
 *
 *     check WORK SIZE [HEX]    what the work comes to, in hexadecimal, so that the other side can hold its own beside it
 *     run WORK SIZE COUNT      nanoseconds of the processor that so many of them took
 *
 * It is started with the folder of certificates and keys. What can be made ready beforehand is: contexts are made once,
 * as a server does that has to be fast. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#define LONGEST (1 << 20)
#define LINE 8192

static unsigned char data[LONGEST + 64], other[LONGEST + 64];
static unsigned char told[LINE / 2];
static size_t told_length;
static const char *folder;

static void fail(const char *what)
{
    fprintf(stderr, "OpenSSL: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

#define NEED(condition) ((condition) ? (void)0 : fail(#condition))

static FILE *file(const char *name)
{
    char path[4096];
    FILE *opened;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    NEED(opened = fopen(path, "r"));
    return opened;
}

/* What both sides compute with. */
static const unsigned char key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static const unsigned char iv[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

static void fill(size_t size)
{
    for (size_t at = 0; at < size; at++)
        data[at] = (unsigned char)(at * 7 + 3);
}

/* SM4 */

static EVP_CIPHER_CTX *cipher_context(const char *name, int ccm)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    NEED(context && cipher && EVP_EncryptInit_ex(context, cipher, NULL, NULL, NULL));
    if (ccm) {
        NEED(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL));
        NEED(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, NULL));
    }
    NEED(EVP_EncryptInit_ex(context, NULL, NULL, key, iv));
    EVP_CIPHER_CTX_set_padding(context, 0);
    return context;
}

static void encrypt(EVP_CIPHER_CTX *context, size_t size)
{
    int length;
    NEED(EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv));
    NEED(EVP_EncryptUpdate(context, data, &length, data, (int)size));
}

static void seal(EVP_CIPHER_CTX *context, size_t size)
{
    int length;
    encrypt(context, size);
    NEED(EVP_EncryptFinal_ex(context, data + size, &length));
    NEED(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, data + size));
}

static void seal_ccm(EVP_CIPHER_CTX *context, size_t size)
{
    int length;
    NEED(EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv));
    NEED(EVP_EncryptUpdate(context, NULL, &length, NULL, (int)size));
    NEED(EVP_EncryptUpdate(context, data, &length, data, (int)size));
    NEED(EVP_EncryptFinal_ex(context, data + size, &length));
    NEED(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, data + size));
}

#define CIPHER(work, name, ccm, call, more)                                     \
    static size_t work(size_t size)                                             \
    {                                                                           \
        static EVP_CIPHER_CTX *context;                                         \
        if (context == NULL)                                                    \
            context = cipher_context(name, ccm);                                \
        call(context, size);                                                    \
        return size + more;                                                     \
    }

CIPHER(sm4_gcm, "SM4-GCM", 0, seal, 16)
CIPHER(sm4_ctr, "SM4-CTR", 0, encrypt, 0)
CIPHER(sm4_cbc, "SM4-CBC", 0, encrypt, 0)
CIPHER(sm4_ccm, "SM4-CCM", 1, seal_ccm, 16)

/* SM3: the digest goes to the beginning of the data, so that nothing is computed twice from the same. */

static size_t sm3(size_t size)
{
    static EVP_MD_CTX *context;
    static EVP_MD *digest;
    if (context == NULL)
        NEED((context = EVP_MD_CTX_new()) && (digest = EVP_MD_fetch(NULL, "SM3", NULL)));
    NEED(EVP_DigestInit_ex2(context, digest, NULL));
    NEED(EVP_DigestUpdate(context, data, size));
    NEED(EVP_DigestFinal_ex(context, data, NULL));
    return 32;
}

static size_t hmac(size_t size)
{
    static EVP_MAC_CTX *context;
    size_t length;
    if (context == NULL) {
        OSSL_PARAM digest[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SM3", 0),
                                OSSL_PARAM_construct_end() };
        NEED(context = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL)));
        NEED(EVP_MAC_init(context, key, sizeof(key), digest));
    }
    NEED(EVP_MAC_init(context, NULL, 0, NULL));
    NEED(EVP_MAC_update(context, data, size));
    NEED(EVP_MAC_final(context, data, &length, 32));
    return length;
}

/* SM2 with the server's key; what is signed is a digest. */

static EVP_PKEY_CTX *asymmetric(int (*begin)(EVP_PKEY_CTX *))
{
    static EVP_PKEY *pair;
    EVP_PKEY_CTX *context;
    if (pair == NULL)
        NEED(pair = PEM_read_PrivateKey(file("server.key.pem"), NULL, NULL, NULL));
    NEED(context = EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL));
    NEED(begin(context) == 1);
    return context;
}

static size_t sm2_sign(size_t size)
{
    static EVP_PKEY_CTX *context;
    size_t length = sizeof(other);
    if (context == NULL)
        context = asymmetric(EVP_PKEY_sign_init);
    NEED(EVP_PKEY_sign(context, other, &length, data, size) == 1);
    memcpy(data + size, other, length);
    return size + length;
}

/* What was told is a signature, a ciphertext or a text; without it one of its own. */
static void tell(size_t (*work)(size_t), size_t skip, size_t size)
{
    if (told_length == 0) {
        told_length = work(size) - skip;
        memcpy(told, data + skip, told_length);
    }
}

static size_t sm2_verify(size_t size)
{
    static EVP_PKEY_CTX *context;
    if (context == NULL)
        context = asymmetric(EVP_PKEY_verify_init);
    tell(sm2_sign, size, size);
    NEED(EVP_PKEY_verify(context, told, told_length, data, size) == 1);
    return size;
}

static size_t sm2_encrypt(size_t size)
{
    static EVP_PKEY_CTX *context;
    size_t length = sizeof(other);
    if (context == NULL)
        context = asymmetric(EVP_PKEY_encrypt_init);
    NEED(EVP_PKEY_encrypt(context, other, &length, data, size) == 1);
    memcpy(data + size, other, length);
    return size + length;
}

static size_t sm2_decrypt(size_t size)
{
    static EVP_PKEY_CTX *context;
    size_t length = sizeof(other);
    if (context == NULL)
        context = asymmetric(EVP_PKEY_decrypt_init);
    tell(sm2_encrypt, size, size);
    NEED(EVP_PKEY_decrypt(context, other, &length, told, told_length) == 1);
    memcpy(data, other, length);
    return length;
}

/* TLS 1.3 with both ends here */

static SSL_CTX *tls_context(const SSL_METHOD *method, const char *who, int verify)
{
    SSL_CTX *context = SSL_CTX_new(method);
    char path[4096];
    NEED(context);
    NEED(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION));
    NEED(SSL_CTX_set_ciphersuites(context, "TLS_SM4_GCM_SM3"));
    NEED(SSL_CTX_set1_groups_list(context, "curveSM2"));
    NEED(SSL_CTX_set1_sigalgs_list(context, "sm2sig_sm3"));
    if (who != NULL) {
        snprintf(path, sizeof(path), "%s/%s.pem", folder, who);
        NEED(SSL_CTX_use_certificate_chain_file(context, path) == 1);
        snprintf(path, sizeof(path), "%s/%s.key.pem", folder, who);
        NEED(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1);
    }
    if (verify) {
        snprintf(path, sizeof(path), "%s/root.pem", folder);
        NEED(SSL_CTX_load_verify_file(context, path) == 1);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    /* Neither side gives tickets or keeps sessions: each handshake is a full one. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    NEED(SSL_CTX_set_num_tickets(context, 0));
    return context;
}

struct pair {
    SSL *client, *server;
};

static struct pair handshake(int mutual)
{
    static SSL_CTX *clients[2], *servers[2];
    struct pair pair;
    BIO *left, *right;
    int done = 0;
    if (clients[mutual] == NULL) {
        clients[mutual] = tls_context(TLS_client_method(), mutual ? "client" : NULL, 1);
        servers[mutual] = tls_context(TLS_server_method(), "server", mutual);
    }
    NEED(pair.client = SSL_new(clients[mutual]));
    NEED(pair.server = SSL_new(servers[mutual]));
    NEED(BIO_new_bio_pair(&left, 1 << 17, &right, 1 << 17));
    SSL_set_bio(pair.client, left, left);
    SSL_set_bio(pair.server, right, right);
    SSL_set_connect_state(pair.client);
    SSL_set_accept_state(pair.server);
    NEED(SSL_set_tlsext_host_name(pair.client, "localhost"));
    NEED(SSL_set1_dnsname(pair.client, "localhost"));
    for (int turn = 0; turn < 8 && done != 2; turn++) {
        SSL *sides[2] = { pair.client, pair.server };
        done = 0;
        for (int side = 0; side < 2; side++) {
            int result = SSL_do_handshake(sides[side]);
            if (result == 1)
                done++;
            else
                NEED(SSL_get_error(sides[side], result) == SSL_ERROR_WANT_READ);
        }
    }
    NEED(done == 2);
    return pair;
}

static size_t describe(struct pair pair)
{
    return (size_t)snprintf((char *)data, LONGEST, "%s %s %s %s", SSL_get_version(pair.client),
                            SSL_get_cipher_name(pair.client), SSL_get0_group_name(pair.client),
                            SSL_get0_peer_certificate(pair.server) ? "mutual" : "one-sided");
}

static size_t shake(int mutual)
{
    struct pair pair = handshake(mutual);
    size_t length = describe(pair);
    SSL_free(pair.client);
    SSL_free(pair.server);
    return length;
}

static size_t tls_handshake(size_t size)
{
    (void)size;
    return shake(0);
}

static size_t tls_mutual(size_t size)
{
    (void)size;
    return shake(1);
}

/* One record from the client to the server. */
static size_t tls_bulk(size_t size)
{
    static struct pair pair;
    size_t written, arrived = 0, some;
    if (pair.client == NULL)
        pair = handshake(0);
    NEED(SSL_write_ex(pair.client, data, size, &written) && written == size);
    while (arrived < size) {
        NEED(SSL_read_ex(pair.server, other + arrived, size - arrived, &some));
        arrived += some;
    }
    memcpy(data, other, 16);
    return size;
}

static const struct {
    const char *name;
    size_t (*once)(size_t size);
} WORKS[] = {
    { "SM4-GCM", sm4_gcm },           { "SM4-CTR", sm4_ctr },         { "SM4-CBC", sm4_cbc },
    { "SM4-CCM", sm4_ccm },           { "SM3", sm3 },                 { "HMAC-SM3", hmac },
    { "SM2-sign", sm2_sign },         { "SM2-verify", sm2_verify },   { "SM2-encrypt", sm2_encrypt },
    { "SM2-decrypt", sm2_decrypt },   { "TLS-handshake", tls_handshake },
    { "TLS-mutual", tls_mutual },     { "TLS-bulk", tls_bulk },
};

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int arguments, char **argument)
{
    static char line[LINE], hex[LINE];
    NEED(arguments == 2);
    folder = argument[1];
    printf("%s\n", OpenSSL_version(OPENSSL_VERSION_STRING));
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char verb[16], name[32];
        size_t (*once)(size_t) = NULL;
        long size = 0, count = 0;
        hex[0] = 0;
        NEED(sscanf(line, "%15s %31s %ld %8000s", verb, name, &size, hex) >= 3);
        NEED(size >= 0 && size <= LONGEST);
        for (size_t at = 0; at < sizeof(WORKS) / sizeof(WORKS[0]); at++)
            if (strcmp(WORKS[at].name, name) == 0)
                once = WORKS[at].once;
        NEED(once != NULL);
        if (strcmp(verb, "check") == 0) {
            size_t length;
            for (told_length = 0; sscanf(hex + 2 * told_length, "%2hhx", told + told_length) == 1; told_length++)
                ;
            fill((size_t)size);
            length = once((size_t)size);
            for (size_t at = 0; at < length; at++)
                printf("%02x", data[at]);
            printf("\n");
            told_length = 0;
        } else {
            long long began;
            count = atol(hex);
            fill((size_t)size);
            once((size_t)size); /* makes ready what it needs */
            began = now();
            for (long at = 0; at < count; at++)
                once((size_t)size);
            printf("%lld\n", now() - began);
            told_length = 0;
        }
        fflush(stdout);
    }
    return 0;
}
