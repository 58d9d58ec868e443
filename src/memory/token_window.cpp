#include "memory/token_window.hpp"

#include <algorithm>
#include <iterator>

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

void WindowReader::take(std::vector<ModelElement> found) {
    drop_older(found);
    // before tokens are counted: what is left out would take the room of others
    elements_ = limits_.replay == Replay::answered ? drop_unanswered(std::move(found)) : std::move(found);
    if (!finish(cut(elements_, limits_.count))) return;
    const std::size_t before = elements_.size();
    // once more: the cut may have parted a response from its request
    elements_ = replayable(std::move(elements_), limits_.replay);
    if (elements_.size() != before) recount();
}

void WindowReader::take_groups(std::vector<std::vector<ModelElement>> found) {
    drop_older(found);
    if (limits_.replay == Replay::answered) {
        for (auto& group : found) group = drop_unanswered(std::move(group));
    }
    const bool full = cut(found, [&](const std::vector<ModelElement>& group) {
        std::size_t tokens = 0;
        for (const ModelElement& element : group) tokens += limits_.count(element);
        return tokens;
    });
    if (!finish(full)) return;
    elements_.clear();
    for (auto& group : found) std::move(group.begin(), group.end(), std::back_inserter(elements_));
    if (!older_ || limits_.replay == Replay::all) return;
    const std::size_t before = elements_.size();
    elements_ = replayable(std::move(elements_), Replay::head);
    if (elements_.size() != before) recount();
}

template <class Things>
void WindowReader::drop_older(Things& found) {
    older_ = found.size() > step_;
    if (older_) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(step_));
}

/// Leaves the newest that fit; says whether others did not.
template <class Things, class Tokens>
bool WindowReader::cut(Things& things, Tokens tokens_of) {
    tokens_ = 0;
    if (!limits_.max_tokens) return false;
    for (std::size_t i = things.size(); i > 0; --i) {
        const std::size_t tokens = tokens_of(things[i - 1]);
        if (tokens > *limits_.max_tokens - tokens_) {
            things.erase(things.begin(), things.begin() + static_cast<std::ptrdiff_t>(i));
            return true;
        }
        tokens_ += tokens;
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

void WindowReader::recount() {
    tokens_ = 0;
    if (!limits_.max_tokens) return;
    for (const ModelElement& element : elements_) tokens_ += limits_.count(element);
}

}  // namespace stele
