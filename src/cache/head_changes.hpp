// What was published since an answer was read that is kept in this process.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace stele {

/// Counts changes by name, in few places: names that share one make each other's answers be read once more. Whatever
/// the kind: a label that moves is told by the identifier alone. Thread-safe.
class HeadChanges {
public:
    /// What an answer depends on, as it was when it was read.
    struct Seen {
        std::uint32_t place, count;
    };

    /// The sum first: see seen().
    void changed(std::string_view name) noexcept {
        ++sum_;
        ++places_[place(name)];
    }
    /// To be taken before the answer is asked for.
    std::uint64_t sum() const noexcept { return sum_; }
    /// Of an answer that was asked for at `since`: something that was published meanwhile counts as a change after it,
    /// since it is not known which of the two the server saw first.
    std::vector<Seen> seen(const std::vector<std::string>& names, std::uint64_t since) const {
        std::vector<Seen> all;
        all.reserve(names.size());
        for (const std::string& name : names) all.push_back({place(name), places_[place(name)]});
        if (sum_ != since) {
            for (Seen& each : all) --each.count;
        }
        return all;
    }
    bool unchanged(const std::vector<Seen>& all) const noexcept {
        for (const Seen& each : all) {
            if (places_[each.place] != each.count) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t kPlaces = 4096;
    static std::uint32_t place(std::string_view name) noexcept {
        return static_cast<std::uint32_t>(std::hash<std::string_view>{}(name) % kPlaces);
    }
    std::atomic<std::uint64_t> sum_{0};
    std::array<std::atomic<std::uint32_t>, kPlaces> places_{};
};

}  // namespace stele
