// Many rows at once, in and out, in bounded memory: PostgreSQL's binary COPY.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/database.hpp"
#include "stele/deadline.hpp"
#include "stele/export.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"
#include "stele/transaction.hpp"

namespace stele {
inline namespace v0 {

/// A table by its names as they are; they get quoted.
struct CopyTable {
    std::string name;
    std::vector<std::string> columns{};  ///< none: all of them in their order (going in, without generated ones)
    std::string schema{};                ///< none: found on the search path
};

/// Where a copy takes place. On a Connection that has no transaction open it is one transaction of its own; in a
/// Transaction or Savepoint it is a part of it. Until the copy is over nothing else can run there
/// (Error(invalid_argument)), and a copy must not outlive where it takes place.
class STELE_API CopyPlace {
public:
    CopyPlace(Connection& connection);
    CopyPlace(Transaction& transaction);
    CopyPlace(Savepoint& savepoint);
    CopyPlace(CopyPlace&&) noexcept;
    CopyPlace& operator=(CopyPlace&&) noexcept;
    ~CopyPlace();

    class Host;

private:
    friend class CopyIn;
    friend class CopyOut;
    std::unique_ptr<Host> host_;
};

/// Writes rows into a table.
///
///     CopyIn copy(transaction, CopyTable{"documents", {"id", "body"}});
///     for (const Document& document : documents) copy.add(document.id, document.body);
///     const std::uint64_t rows = copy.finish();
///
/// Memory: kBufferBytes here and about as much in libpq, however many rows there are, beside the row that is given.
/// Deadlines: one that is given counts for the whole copy; without one, each call that talks to the server has the
/// database's default. A deadline that passes closes the connection. The server's statement_timeout is lifted while the
/// copy lasts; it stops within seconds when its client is gone.
/// Errors: one that the server reports, with the line that it is about, ends the copy, of which nothing stays. It may
/// be thrown by any later add() and is thrown by finish() at the latest. In a transaction only a rollback is possible
/// then (in a savepoint, to that savepoint). When the connection is lost before finish(), nothing was stored; when it
/// is lost while a copy of its own transaction commits, Error(unavailable) has in_doubt() set. Not thread-safe.
class STELE_API CopyIn {
public:
    static constexpr std::size_t kBufferBytes = 65536;

    /// Begins. The types of the values are checked against those of the table's columns. Error(server, 42P01) when
    /// there is no such table.
    CopyIn(CopyPlace place, const CopyTable& table, std::optional<Deadline> deadline = {});
    /// The same with a statement of one's own: "COPY t (a, b) FROM STDIN (FORMAT binary)". Only the number of values is
    /// checked: the binary format says nothing of types, and a value of another type than its column may be taken for
    /// something else.
    CopyIn(CopyPlace place, const Sql& copy_statement, std::optional<Deadline> deadline = {});
    CopyIn(CopyIn&&) noexcept;
    CopyIn& operator=(CopyIn&&) noexcept;
    /// Gives the copy up unless finished: nothing of it stays, and a transaction that it is in can only be rolled back.
    /// Never throws.
    ~CopyIn();

    /// Adds a row, of types as for Parameters. Those without a C++ counterpart (numeric, a vector of pgvector) are
    /// given as Bytes in PostgreSQL's binary form; enums, and others whose binary form is their text, as strings.
    /// Error(invalid_argument) or Error(type_mismatch) when a value is refused here: nothing of that row was taken, and
    /// the copy goes on. Any other error ends it.
    template <class... Values>
    void add(const Values&... values) {
        row_.clear();
        (row_.add(values), ...);
        add(row_);
    }
    void add(const Parameters& row);

    /// Sends what is left, waits for the server, and, unless the copy is part of a transaction, commits. Returns the
    /// rows copied.
    std::uint64_t finish();

    /// Bytes held here and not sent yet; at most kBufferBytes.
    std::size_t buffered_bytes() const noexcept;

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
    Parameters row_;
};

class CopyRow;

/// Reads rows one by one.
///
///     CopyOut copy(connection, "SELECT id, embedding FROM entries");
///     while (const auto row = copy.next()) index.add(row->get<std::int64_t>(0), row->get<Bytes>(1));
///
/// Memory: three times the largest row (libpq holds it twice), however many there are. Deadlines are as for CopyIn.
/// Errors end the copy, and in a transaction only a rollback is possible then. Not thread-safe.
class STELE_API CopyOut {
public:
    /// Begins. `query` is one statement that returns rows, without parameters: COPY takes none.
    CopyOut(CopyPlace place, const Sql& query, std::optional<Deadline> deadline = {});
    CopyOut(CopyPlace place, const CopyTable& table, std::optional<Deadline> deadline = {});
    CopyOut(CopyOut&&) noexcept;
    CopyOut& operator=(CopyOut&&) noexcept;
    /// Before the last row: asks the server to stop and drops what still comes, for 5 s at most; then the connection is
    /// closed. A connection can be used again; a transaction that it is in can only be rolled back, because the server
    /// counts the stop as an error. Never throws.
    ~CopyOut();

    /// The next row; nothing after the last, and from then on. Error(server) when the server sends something that is no
    /// binary COPY.
    std::optional<CopyRow> next();

    std::size_t columns() const noexcept;
    /// Error(not_found) when there is no such column.
    std::string_view column_name(std::size_t column) const;
    /// Rows read so far.
    std::uint64_t rows() const noexcept;

    struct Impl;

private:
    friend class CopyRow;
    std::unique_ptr<Impl> impl_;
};

/// A row of a CopyOut, read as from a Row. It and all views into it are valid until the next call of next().
class STELE_API CopyRow {
public:
    /// The value. Throws Error(not_found) when there is no such column or it is NULL, Error(type_mismatch) when it is
    /// something else than T.
    template <class T>
    T get(std::size_t column) const {
        return required<T>(cell(column));
    }
    template <class T>
    T get(std::string_view column) const {
        return required<T>(cell(column));
    }
    /// The value, or nothing when the column is NULL or missing.
    template <class T>
    std::optional<T> find(std::size_t column) const {
        return optional<T>(cell(column));
    }
    template <class T>
    std::optional<T> find(std::string_view column) const {
        return optional<T>(cell(column));
    }
    /// PostgreSQL's binary form of a value of any type; empty for NULL. Precondition: column < columns().
    std::span<const std::byte> raw(std::size_t column) const;
    std::size_t columns() const noexcept;

private:
    friend class CopyOut;
    explicit CopyRow(const CopyOut::Impl& out) : out_(&out) {}

    template <class T>
    static std::optional<T> optional(const detail::Cell& cell) {
        if (cell.data == nullptr) return std::nullopt;
        T value{};
        detail::decode(cell, value);
        return value;
    }
    template <class T>
    static T required(const detail::Cell& cell) {
        if (cell.data == nullptr) no_value(cell);
        T value{};
        detail::decode(cell, value);
        return value;
    }
    [[noreturn]] static void no_value(const detail::Cell& cell);
    detail::Cell cell(std::size_t column) const;
    detail::Cell cell(std::string_view column) const;

    const CopyOut::Impl* out_;
};

}  // namespace v0
}  // namespace stele
