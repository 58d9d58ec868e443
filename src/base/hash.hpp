// SHA-256, by OpenSSL. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace stele {

using Digest = std::array<std::byte, 32>;

Digest sha256(std::string_view data);
/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view data);
/// The same of what comes bit by bit. Not thread-safe.
class RunningSha256 {
public:
    RunningSha256();
    void add(std::string_view data);
    /// Of all that was added. Called once, at the end.
    std::string hex();

private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// What stands for a question in the cache's tables. Give it the normalised question, unless normalising is off.
std::string query_hash(std::string_view query);

}  // namespace stele
