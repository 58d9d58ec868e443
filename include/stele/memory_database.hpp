// What the stores' twins for tests share in place of a Database.
//
//     stele::MemoryDatabase memory;
//     auto configurations = stele::ConfigurationRepository::in_memory(memory);
//     auto labels = stele::Labels(memory);
#pragma once

#include <functional>
#include <memory>

#include "stele/export.hpp"
#include "stele/timestamp.hpp"

namespace stele {
inline namespace v0 {

/// Twins made from copies of one see the same data, as stores on one database do; it goes with the last of them. It
/// has no transactions. Thread-safe.
class STELE_API MemoryDatabase {
public:
    /// Tells the time, from any thread.
    using Now = std::function<Timestamp()>;

    MemoryDatabase();
    /// With a clock of the test's own, to which revisions are stamped: see FakeClock in stele/testing.hpp.
    explicit MemoryDatabase(Now now);

    struct Impl;
    /// What Stele itself works on.
    Impl& impl() const noexcept { return *impl_; }

private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
