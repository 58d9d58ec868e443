// All that is asked before an answer found by meaning is served.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "stele/semantic_cache.hpp"

namespace stele {

/// Thread-safe, as the caller's functions must be. None of their exceptions gets out.
class GuardChain {
public:
    /// `first_failure` is told of the first exception.
    GuardChain(const SemanticCacheOptions& options, std::function<void(const std::string&)> first_failure);

    struct Verdict {
        std::string by;
        Refusal refusal;
    };
    /// Sets the candidate's confidence. Nothing: it is accepted. `min_confidence`: instead of the options'.
    std::optional<Verdict> judge(std::string_view asked, std::string_view asked_key, Hit& candidate,
                                 const std::optional<float>& min_confidence = {}) const;
    /// Whether the validator takes a new answer for one.
    bool valid(std::string_view response) const;
    /// Of an exact hit, which is served whatever it is.
    void set_confidence(Hit& hit) const;

    std::int64_t failures() const noexcept { return failures_; }

private:
    template <class Check>
    std::optional<Verdict> ask(const std::string& by, const Check& check) const;
    std::optional<Refusal> check_valid(std::string_view response) const;
    std::optional<Refusal> check_confidence(Hit& hit, const std::optional<float>& least) const;
    Verdict failed(const std::string& by, const char* what) const;

    const std::vector<Guard> guards_;
    const Validator validator_;
    const ConfidenceFunction confidence_;
    const std::optional<float> min_confidence_;
    const bool normalize_, fold_case_;
    const std::function<void(const std::string&)> first_failure_;
    mutable std::atomic<std::int64_t> failures_{0};
};

}  // namespace stele
