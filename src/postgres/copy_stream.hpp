// One COPY on one connection: performs what the CopyMachine says.
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "postgres/copy_machine.hpp"
#include "postgres/wire.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// From begin() until it is over the wire runs nothing else. Any error ends the copy; unless the wire is broken then,
/// it can be used again (inside a transaction: to roll it back). A deadline that passes breaks the wire. Not
/// thread-safe; must not outlive the wire.
class CopyStream {
public:
    using Way = CopyMachine::Way;

    explicit CopyStream(Wire& wire) : wire_(wire) {}
    CopyStream(const CopyStream&) = delete;
    CopyStream& operator=(const CopyStream&) = delete;
    ~CopyStream() { abort(Deadline::after(std::chrono::seconds(5))); }

    /// Sends `sql`, a binary COPY of that direction. Returns the number of columns.
    Result<std::size_t> begin(std::string_view sql, Way way, Deadline deadline);
    /// Returns when all of it has left the process.
    Result<void> put(std::string_view data, Deadline deadline);
    /// The next piece, valid until the next call; nothing when the copy has ended well.
    Result<std::optional<std::string_view>> get(Deadline deadline);
    /// Ends a copy in. Returns the rows that the server counted.
    Result<std::uint64_t> finish(Deadline deadline);
    /// Gives the copy up, if it is under way. At the worst the wire is broken.
    void abort(Deadline deadline) noexcept;

    bool under_way() const noexcept { return machine_.has_value(); }

private:
    struct Free {
        void operator()(char* memory) const noexcept { PQfreemem(memory); }
    };
    using Do = CopyMachine::Do;

    PGconn* connection() const noexcept { return wire_.connection_.get(); }
    Result<void> turn(Do first, Deadline deadline);
    Do perform(Do what);
    Do wait();
    Do take();
    Do fetch();
    Result<void> check_opening(Way way);
    void leave();
    void break_wire();
    ErrorInfo lost() const;

    Wire& wire_;
    std::optional<CopyMachine> machine_;  // while under way
    ErrorInfo error_;
    std::size_t columns_ = 0;
    std::uint64_t rows_ = 0;
    bool binary_ = false;
    std::string_view piece_;  // going in
    std::unique_ptr<char, Free> data_;
    std::size_t data_size_ = 0;
};

}  // namespace stele
