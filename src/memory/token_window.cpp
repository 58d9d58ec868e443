#include "memory/token_window.hpp"

#include <algorithm>

#include "base/result.hpp"

namespace stele {

void check_window(const std::optional<std::size_t>& max_tokens, const CountTokens& count) {
    if (max_tokens && !count) {
        raise(
            ErrorCode::invalid_argument,
            "max_tokens needs count_tokens, a function that counts the tokens of an element; estimate_tokens guesses");
    }
}

WindowReader::WindowReader(std::size_t limit, std::optional<std::size_t> max_tokens, const CountTokens& count)
    : limit_(limit), max_tokens_(max_tokens), count_(count), step_(limit) {
    constexpr std::size_t kFirst = 64;
    if (max_tokens_) step_ = std::min(limit_, kFirst);
}

std::optional<std::size_t> WindowReader::wanted() const {
    return step_ == kAllElements ? std::nullopt : std::optional(step_ + 1);
}

void WindowReader::take(std::vector<ModelElement> found, Replay replay) {
    constexpr std::size_t kGrowth = 4;
    older_ = found.size() > step_;
    if (older_) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(step_));
    // before tokens are counted: what is left out would take the room of others
    elements_ = replay == Replay::answered ? drop_unanswered(std::move(found)) : std::move(found);
    const bool full = max_tokens_ && cut();
    complete_ = full || !older_ || step_ == limit_;
    if (!complete_) {
        step_ = step_ > limit_ / kGrowth ? limit_ : step_ * kGrowth;
        return;
    }
    older_ = older_ || full;
    const std::size_t before = elements_.size();
    // once more: the cut may have parted a response from its request
    elements_ = replayable(std::move(elements_), replay);
    if (!max_tokens_ || elements_.size() == before) return;
    tokens_ = 0;
    for (const ModelElement& element : elements_) tokens_ += count_(element);
}

/// Leaves the newest that fit; says whether others did not.
bool WindowReader::cut() {
    tokens_ = 0;
    for (std::size_t i = elements_.size(); i > 0; --i) {
        const std::size_t tokens = count_(elements_[i - 1]);
        if (tokens > *max_tokens_ - tokens_) {
            elements_.erase(elements_.begin(), elements_.begin() + static_cast<std::ptrdiff_t>(i));
            return true;
        }
        tokens_ += tokens;
    }
    return false;
}

}  // namespace stele
