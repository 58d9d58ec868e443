// A window of the newest, by count and by tokens, read in as few steps as it takes.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "stele/memory_window.hpp"

namespace stele {

inline constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

/// An element on its way into a window.
struct WindowElement {
    WindowElement(ModelElement&& stored, std::size_t in_group);

    ModelElement element;
    bool begins;        ///< a window can begin with it: it was stored as an input without tool responses
    std::size_t group;  ///< elements of one group stay together
};

/// What Replay::head leaves out.
void begin_at_a_beginning(std::vector<WindowElement>& window);
/// What Replay::answered leaves out beside that; says whether there was anything.
bool drop_unanswered(std::vector<WindowElement>& window);
std::vector<ModelElement> elements_of(std::vector<WindowElement> window);

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
    /// How many of so many that were found are taken: the newest.
    std::size_t accept(std::size_t found);
    /// These, the oldest first. Elements of one group, whose numbers only grow, are not parted. `from_the_first`: when
    /// nothing is older, a window may begin with anything.
    void take(std::vector<WindowElement> found, bool from_the_first);
    bool complete() const noexcept { return complete_; }

    std::vector<ModelElement> elements() && { return elements_of(std::move(window_)); }
    std::size_t tokens() const noexcept { return tokens_; }
    bool older() const noexcept { return older_; }

private:
    bool cut();
    bool finish(bool full);

    const WindowLimits limits_;
    std::size_t step_;
    std::vector<WindowElement> window_;
    std::size_t tokens_ = 0;
    bool older_ = false, complete_ = false;
};

}  // namespace stele
