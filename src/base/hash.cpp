#include "base/hash.hpp"

#include <openssl/evp.h>

#include <memory>

#include "base/result.hpp"

namespace stele {
namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// Since OpenSSL 3 EVP_sha256() repeats the provider lookup on every use, so the digest is fetched once. It is never
// freed: threads may still hash while the process exits.
const EVP_MD* sha256_digest() {
    static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return digest;
}

void require(bool done) {
    if (!done) raise(ErrorCode::internal, "OpenSSL cannot compute SHA-256: is its default provider configured?");
}

std::string hex_of(const Digest& digest) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * sizeof(Digest));
    for (const std::byte byte : digest) {
        hex += kDigits[std::to_integer<std::size_t>(byte >> 4)];
        hex += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return hex;
}

Digest finish(EVP_MD_CTX* context) {
    Digest result;
    require(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(result.data()), nullptr) == 1);
    return result;
}

}  // namespace

Digest sha256(std::string_view data) {
    // One context a thread: making one costs as much as hashing a question.
    thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    require(context && EVP_DigestInit_ex2(context.get(), sha256_digest(), nullptr) == 1 &&
            EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1);
    return finish(context.get());
}

std::string sha256_hex(std::string_view data) {
    return hex_of(sha256(data));
}

RunningSha256::RunningSha256() : context_(EVP_MD_CTX_new()) {
    require(context_ && EVP_DigestInit_ex2(context_.get(), sha256_digest(), nullptr) == 1);
}

void RunningSha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

void RunningSha256::add(std::string_view data) {
    require(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1);
}

std::string RunningSha256::hex() {
    return hex_of(finish(context_.get()));
}

std::string query_hash(std::string_view query) {
    return sha256_hex(query);
}

}  // namespace stele
