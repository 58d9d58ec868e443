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
            std::size_t bytes = 0;
            try {
                stream.read(reader, Deadline::never(), bytes);
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

private:
    std::exception_ptr thrown_;  // of the thread
    std::thread thread_;
};

}  // namespace stele
