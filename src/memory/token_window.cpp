#include "memory/token_window.hpp"

#include <algorithm>

#include "base/result.hpp"

namespace stele {

WindowLimits::WindowLimits(std::size_t most, const std::optional<std::size_t>& tokens, const CountTokens& counter,
                           Replay how)
    : limit(most == 0 ? kUnlimited : most), max_tokens(tokens), count(counter), replay(how) {
    if (!max_tokens || count) return;
    raise(ErrorCode::invalid_argument,
          "max_tokens needs count_tokens, a function that counts the tokens of an element; estimate_tokens guesses");
}

WindowReader::WindowReader(const WindowLimits& limits) : limits_(limits), step_(limits.limit) {
    constexpr std::size_t kFirst = 64;
    if (limits_.max_tokens) step_ = std::min(limits_.limit, kFirst);
}

std::optional<std::size_t> WindowReader::wanted() const {
    return step_ == kUnlimited ? std::nullopt : std::optional(step_ + 1);
}

std::size_t WindowReader::accept(std::size_t found) {
    older_ = found > step_;
    return std::min(found, step_);
}

void WindowReader::take(std::vector<WindowElement> found, bool from_the_first) {
    window_ = std::move(found);
    // before tokens are counted: what is left out would take the room of others
    if (limits_.replay == Replay::answered) drop_unanswered(window_);
    if (!finish(cut()) || limits_.replay == Replay::all) return;
    const std::size_t before = window_.size();
    if (older_ || !from_the_first) begin_at_a_beginning(window_);
    // once more: the cut may have parted a response from its request
    const bool changed = limits_.replay == Replay::answered && drop_unanswered(window_);
    if (!limits_.max_tokens || (!changed && window_.size() == before)) return;
    tokens_ = 0;
    for (const WindowElement& each : window_) tokens_ += limits_.count(each.element);
}

/// Leaves the newest that fit; says whether others did not.
bool WindowReader::cut() {
    tokens_ = 0;
    if (!limits_.max_tokens) return false;
    std::size_t first = window_.size();
    while (first > 0) {
        std::size_t tokens = 0, at = first;
        do {
            --at;
            tokens += limits_.count(window_[at].element);
        } while (at > 0 && window_[at - 1].group == window_[first - 1].group);
        if (tokens > *limits_.max_tokens - tokens_) {
            window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(first));
            return true;
        }
        tokens_ += tokens;
        first = at;
    }
    return false;
}

bool WindowReader::finish(bool full) {
    constexpr std::size_t kGrowth = 4;
    complete_ = full || !older_ || step_ == limits_.limit;
    older_ = older_ || full;
    if (!complete_) step_ = step_ > limits_.limit / kGrowth ? limits_.limit : step_ * kGrowth;
    return complete_;
}

}  // namespace stele
