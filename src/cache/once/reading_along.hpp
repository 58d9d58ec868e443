// The reader of the caller who computes.
#pragma once

#include <cstddef>
#include <exception>
#include <thread>

#include "base/signals_blocked.hpp"
#include "cache/once/answer_stream.hpp"

namespace stele {

/// Reads on a thread of its own, so that the computation does not wait for it. The stream must be ended before this is.
class ReadingAlong {
public:
    ReadingAlong(AnswerStream& stream, const AnswerReader& reader) {
        const SignalsBlocked blocked;
        thread_ = std::thread([this, &stream, &reader] {
            try {
                stream.read(reader, Deadline::never(), bytes_);
            } catch (...) {
                thrown_ = std::current_exception();
            }
        });
    }
    ReadingAlong(const ReadingAlong&) = delete;
    ReadingAlong& operator=(const ReadingAlong&) = delete;
    ~ReadingAlong() {
        if (thread_.joinable()) thread_.join();
    }
    /// When it has read all. Throws what the reader threw.
    void finish() {
        thread_.join();
        if (thrown_) std::rethrow_exception(thrown_);
    }
    /// That it got. When it has finished.
    std::size_t bytes() const noexcept { return bytes_; }

private:
    std::size_t bytes_ = 0;  // of the thread, as the next
    std::exception_ptr thrown_;
    std::thread thread_;
};

}  // namespace stele
