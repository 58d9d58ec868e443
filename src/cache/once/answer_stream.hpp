// An answer while it is written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.hpp"
#include "stele/deadline.hpp"
#include "stele/get_or_compute.hpp"

namespace stele {

/// One writes, any number read along, each at its own pace: it is kept whole, so nobody waits for a reader.
/// Thread-safe.
class AnswerStream {
public:
    void write(std::string_view piece) STELE_EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        text_ += piece;
        change_.notify_all();
    }
    /// Nothing more will come. Idempotent.
    void end() noexcept STELE_EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        ended_ = true;
        change_.notify_all();
    }
    std::size_t size() const STELE_EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return text_.size();
    }
    std::string text() const STELE_EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return text_;
    }
    std::string text_from(std::size_t bytes) const STELE_EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return text_.substr(std::min(bytes, text_.size()));
    }

    /// Hands over all that is written, until the end or the deadline; `bytes` counts what the reader got, also when it
    /// throws. False: there may be more.
    bool read(const AnswerReader& reader, Deadline deadline, std::size_t& bytes) STELE_EXCLUDES(mutex_) {
        for (;;) {
            std::string piece;
            {
                MutexLock lock(mutex_);
                while (text_.size() == bytes && !ended_) {
                    if (deadline.is_never()) {
                        change_.wait(mutex_);
                    } else if (change_.wait_until(mutex_, deadline.point()) == std::cv_status::timeout) {
                        break;
                    }
                }
                if (text_.size() == bytes) return ended_;
                piece = text_.substr(bytes);
            }
            bytes += piece.size();
            reader(piece);
        }
    }

private:
    mutable Mutex mutex_;
    Condition change_;
    std::string text_ STELE_GUARDED_BY(mutex_);
    bool ended_ STELE_GUARDED_BY(mutex_) = false;
};

}  // namespace stele
