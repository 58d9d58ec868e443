#include "cache/guard_chain.hpp"

#include <fmt/format.h>

#include <exception>

#include "cache/question_key.hpp"

namespace stele {

GuardChain::GuardChain(const SemanticCacheOptions& options, std::function<void(const std::string&)> first_failure)
    : guards_(options.guards),
      validator_(options.validator),
      confidence_(options.confidence),
      min_confidence_(options.min_confidence),
      normalize_(options.normalize),
      fold_case_(options.fold_case),
      first_failure_(std::move(first_failure)) {}

GuardChain::Verdict GuardChain::failed(const std::string& by, const char* what) const {
    if (failures_++ == 0) {
        first_failure_(
            fmt::format("'{}' threw ({}): the answer is not served; later exceptions are only counted", by, what));
    }
    return {by, {RefusalKind::failed, fmt::format("threw: {}", what)}};
}

// The functions are the caller's: anything may be thrown.
template <class Check>
std::optional<GuardChain::Verdict> GuardChain::ask(const std::string& by, const Check& check) const {
    try {
        std::optional<Refusal> refusal = check();
        if (!refusal) return std::nullopt;
        return Verdict{by, *std::move(refusal)};
    } catch (const std::exception& error) {
        return failed(by, error.what());
    } catch (...) {
        return failed(by, "an exception of an unknown type");
    }
}

std::optional<Refusal> GuardChain::check_confidence(Hit& hit, const std::optional<float>& least) const {
    hit.confidence = 0;
    hit.confidence = confidence_ ? confidence_(hit.similarity, hit.age, hit.metadata) : hit.similarity;
    // as it is written, a NaN is refused
    if (!least || hit.confidence >= *least) return std::nullopt;
    return Refusal{RefusalKind::confidence, fmt::format("{:.3f} is less than {:.3f}", hit.confidence, *least)};
}

std::optional<Refusal> GuardChain::check_valid(std::string_view response) const {
    if (!validator_ || validator_(response)) return std::nullopt;
    return Refusal{RefusalKind::invalid, "the validator refuses the answer"};
}

bool GuardChain::valid(std::string_view response) const {
    return !ask("validator", [&] { return check_valid(response); });
}

void GuardChain::set_confidence(Hit& hit) const {
    const auto ignored = ask("confidence", [&] { return check_confidence(hit, std::nullopt); });
    static_cast<void>(ignored);
}

std::optional<GuardChain::Verdict> GuardChain::judge(std::string_view asked, std::string_view asked_key, Hit& candidate,
                                                     const std::optional<float>& min_confidence) const {
    const std::optional<float>& least = min_confidence ? min_confidence : min_confidence_;
    std::optional<Verdict> verdict = ask("confidence", [&] { return check_confidence(candidate, least); });
    std::optional<Verdict> invalid = ask("validator", [&] { return check_valid(candidate.response); });
    if (invalid) return invalid;
    if (verdict || guards_.empty()) return verdict;
    const std::string stored_key = question_key(candidate.query, normalize_, fold_case_);
    const GuardedPair pair{.asked = asked,
                           .asked_key = asked_key,
                           .stored = candidate.query,
                           .stored_key = stored_key,
                           .response = candidate.response,
                           .metadata = candidate.metadata,
                           .similarity = candidate.similarity,
                           .confidence = candidate.confidence,
                           .age = candidate.age};
    for (const Guard& guard : guards_) {
        verdict = ask(guard.name, [&] { return guard.check(pair); });
        if (verdict) return verdict;
    }
    return std::nullopt;
}

}  // namespace stele
