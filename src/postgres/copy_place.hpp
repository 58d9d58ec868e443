// Where a copy takes place, and what goes before and after it there.
#pragma once

#include "postgres/wire.hpp"
#include "stele/copy.hpp"

namespace stele {
inline namespace v0 {

class CopyPlace::Host {
public:
    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    virtual ~Host() = default;

    virtual Wire& wire() = 0;
    virtual Deadline default_deadline() const = 0;
    /// Begins what the copy is a part of, and runs `question`, if any, in the same round trip.
    virtual Rows begin(const Statement* question, Deadline deadline) = 0;
    /// The copy has ended well.
    virtual void succeed(Deadline deadline) = 0;
    /// The copy is over without success: tidies up. Returns the error as it is to be told.
    virtual ErrorInfo fail(ErrorInfo error) noexcept = 0;
};

}  // namespace v0
}  // namespace stele
