// A window of the newest elements, by count and by tokens, read in as few steps as it takes.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "stele/memory_window.hpp"

namespace stele {

inline constexpr std::size_t kAllElements = std::numeric_limits<std::size_t>::max();

/// What Replay::answered leaves out beside what Replay::head does.
std::vector<ModelElement> drop_unanswered(std::vector<ModelElement> elements);

/// Error(invalid_argument) for a budget that nothing counts.
void check_window(const std::optional<std::size_t>& max_tokens, const CountTokens& count);

/// Asks for the newest wanted() elements until complete(). Each step reads from the newest on again, four times as far,
/// so that what it ends with is of one moment.
class WindowReader {
public:
    /// `limit`: at least 1; kAllElements for no limit.
    WindowReader(std::size_t limit, std::optional<std::size_t> max_tokens, const CountTokens& count);

    /// How many to read: one more than can be taken, to see whether there are older ones. None: all.
    std::optional<std::size_t> wanted() const;
    /// What was found, the oldest first.
    void take(std::vector<ModelElement> found, Replay replay);
    bool complete() const noexcept { return complete_; }

    std::vector<ModelElement> elements() && { return std::move(elements_); }
    std::size_t tokens() const noexcept { return tokens_; }
    bool older() const noexcept { return older_; }

private:
    bool cut();

    const std::size_t limit_;
    const std::optional<std::size_t> max_tokens_;
    const CountTokens& count_;
    std::size_t step_;
    std::vector<ModelElement> elements_;
    std::size_t tokens_ = 0;
    bool older_ = false, complete_ = false;
};

}  // namespace stele
