// Bytes on a long wire: in the order they were sent, each a while later.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace stele::test {

/// A queue of bytes with the time at which each may arrive. As many as one likes can be on their way at once, so a
/// delay takes no throughput. Not synchronised.
class DelayLine {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// Never overtakes what was sent before.
    void push(std::string_view bytes, Time due) {
        if (bytes.empty()) return;
        if (!pieces_.empty() && pieces_.back().due >= due) {
            due = pieces_.back().due;
            // what arrives together is sent together
            if (pieces_.back().bytes.size() + bytes.size() <= kPiece) {
                pieces_.back().bytes += bytes;
                size_ += bytes.size();
                return;
            }
        }
        pieces_.push_back({std::string(bytes), due});
        size_ += bytes.size();
    }
    /// What has arrived and was not taken yet, or a first part of it.
    std::string_view ready(Time now) const {
        if (pieces_.empty() || pieces_.front().due > now) return {};
        return std::string_view(pieces_.front().bytes).substr(taken_);
    }
    /// Takes that many of the ready() bytes.
    void take(std::size_t bytes) {
        taken_ += bytes;
        size_ -= bytes;
        if (taken_ < pieces_.front().bytes.size()) return;
        pieces_.pop_front();
        taken_ = 0;
    }
    void clear() { *this = DelayLine(); }

    /// When the first byte arrives, if one is on its way.
    std::optional<Time> next_due() const { return pieces_.empty() ? std::nullopt : std::optional(pieces_.front().due); }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

private:
    static constexpr std::size_t kPiece = 64 * 1024;
    struct Piece {
        std::string bytes;
        Time due;
    };
    std::deque<Piece> pieces_;
    std::size_t taken_ = 0;  // of the first piece
    std::size_t size_ = 0;
};

}  // namespace stele::test
