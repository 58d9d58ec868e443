#pragma once

#include <cstdint>
#include <memory>

#include "postgres/cancel_gate.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/wake_up.hpp"

namespace stele {
inline namespace v0 {

struct Connection::Impl {
    Impl(std::shared_ptr<Database::Impl> owner, Lease lent) : database(std::move(owner)), lease(std::move(lent)) {
        lease.wire().drop_notifications();  // which came late for whoever had it before
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl();  // undoes what was done to the session

    /// Statements that end in this state ask afterwards whether they were cancelled.
    std::uint64_t cancel_mark() const noexcept { return gate ? gate->mark() : 0; }
    /// Says so if a Canceller of this connection was used since the mark, and the server cancelled.
    ErrorInfo explain(ErrorInfo error, std::uint64_t mark) const;

    std::shared_ptr<Database::Impl> database;
    Lease lease;
    std::shared_ptr<CancelGate> gate;  // once asked for
    std::shared_ptr<WakeUp> wake_up;   // once asked for
};

}  // namespace v0
}  // namespace stele
