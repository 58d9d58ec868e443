// A window of the newest, by count and by tokens, read in as few steps as it takes.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "stele/memory_window.hpp"

namespace stele {

inline constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

/// What Replay::answered leaves out beside what Replay::head does.
std::vector<ModelElement> drop_unanswered(std::vector<ModelElement> elements);

/// What is asked for, checked: Error(invalid_argument) for a budget that nothing counts.
struct WindowLimits {
    WindowLimits(std::size_t limit, const std::optional<std::size_t>& max_tokens, const CountTokens& count,
                 Replay replay);

    std::size_t limit;  ///< kUnlimited for none
    std::optional<std::size_t> max_tokens;
    const CountTokens& count;
    Replay replay;
};

/// Asks for the newest wanted() until complete(). Each step reads from the newest on again, four times as far, so that
/// what it ends with is of one moment.
class WindowReader {
public:
    explicit WindowReader(const WindowLimits& limits);

    /// How many to read: one more than can be taken, to see whether there are older ones. None: all.
    std::optional<std::size_t> wanted() const;
    /// What was found, the oldest first: elements, which the window may part anywhere, or groups that stay whole.
    void take(std::vector<ModelElement> found);
    void take_groups(std::vector<std::vector<ModelElement>> found);
    bool complete() const noexcept { return complete_; }

    std::vector<ModelElement> elements() && { return std::move(elements_); }
    std::size_t tokens() const noexcept { return tokens_; }
    bool older() const noexcept { return older_; }

private:
    template <class Things>
    void drop_older(Things& found);
    template <class Things, class Tokens>
    bool cut(Things& things, Tokens tokens_of);
    bool finish(bool full);
    void recount();

    const WindowLimits limits_;
    std::size_t step_;
    std::vector<ModelElement> elements_;
    std::size_t tokens_ = 0;
    bool older_ = false, complete_ = false;
};

}  // namespace stele
