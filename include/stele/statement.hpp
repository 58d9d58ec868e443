// One SQL statement with its parameters: a value that can be sent, queued, or answered by a test.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/export.hpp"
#include "stele/json.hpp"
#include "stele/timestamp.hpp"
#include "stele/uuid.hpp"

namespace stele {
inline namespace v0 {

using Bytes = std::vector<std::byte>;

/// SQL text. A literal is referred to and never copied; a string is kept and shared between copies.
class Sql {
public:
    template <std::size_t N>
    Sql(const char (&literal)[N]) noexcept : text_(literal, N - 1) {}
    template <std::size_t N>
    Sql(char (&buffer)[N]) = delete;  // not a literal: make it a std::string
    Sql(std::string text) : owner_(std::make_shared<const std::string>(std::move(text))), text_(*owner_) {}

    std::string_view text() const noexcept { return text_; }

private:
    std::shared_ptr<const std::string> owner_;
    std::string_view text_;
};

/// Parameters in PostgreSQL's binary form, bound to $1, $2 ... in the order added. C++ type -> PostgreSQL type:
/// bool -> boolean; int16_t -> smallint; int32_t -> integer; int64_t -> bigint; float -> real; double -> double
/// precision; strings -> text; Bytes, span<const byte> -> bytea; Uuid -> uuid; Timestamp -> timestamptz; Json -> jsonb;
/// vectors of int64_t, double, float, string, Uuid, Bytes -> one-dimensional arrays; nullopt and empty optionals ->
/// NULL.
class STELE_API Parameters {
public:
    void reserve(std::size_t values) { slots_.reserve(values); }
    /// Forgets all, and keeps the memory.
    void clear() noexcept {
        slots_.clear();
        bytes_.clear();
    }
    void add(std::nullopt_t);
    void add(bool value);
    void add(std::int16_t value);
    void add(std::int32_t value);
    void add(std::int64_t value);
    void add(float value);
    void add(double value);
    void add(std::string_view value);
    void add(const std::string& value) { add(std::string_view(value)); }
    void add(const char* value) { add(std::string_view(value)); }
    void add(std::span<const std::byte> value);
    void add(const Bytes& value) { add(std::span<const std::byte>(value)); }
    void add(const Uuid& value);
    void add(Timestamp value);
    void add(const Json& value);
    void add(const std::vector<std::int64_t>& values);
    void add(const std::vector<double>& values);
    void add(const std::vector<float>& values);
    void add(const std::vector<std::string>& values);
    void add(const std::vector<Uuid>& values);
    void add(const std::vector<Bytes>& values);
    /// A value in the binary form of a type that the statement itself names, an extension's: `$1::vector`.
    void add_binary(std::span<const std::byte> value);
    /// One array of the values that each of `rows` has in `slot`; `array` is the OID of its type.
    void add_column(std::span<const Parameters* const> rows, std::size_t slot, std::uint32_t array);
    template <class T>
    void add(const std::optional<T>& value) {
        add(value ? *value : T{});
        if (!value) make_last_null();
    }

    /// One bound value: its type's OID (0: the server decides) and its bytes; offset is into bytes().
    struct Slot {
        std::uint32_t oid;
        std::int32_t length;  ///< -1: NULL
        std::size_t offset;
    };
    std::span<const Slot> slots() const noexcept { return slots_; }
    const std::string& bytes() const noexcept { return bytes_; }

private:
    void make_last_null();  // keeps the type, so that one prepared statement serves both

    std::string bytes_;
    std::vector<Slot> slots_;
};

/// Which connection a statement that is run alone on a Database travels on. Those of many callers share a lane.
enum class Lane : std::uint8_t {
    none,       ///< a connection of its own while the call lasts
    read,       ///< with other callers' quick reads, in one round trip
    slow_read,  ///< with other slow reads, so that quick ones never wait for them
    write,      ///< with other callers' writes, in one commit
};

/// SQL and parameters, ready to send. `Statement("SELECT $1 + $2", 1, 2)`.
class Statement {
public:
    template <class Text, class... Values>
        requires std::convertible_to<Text, Sql>
    Statement(Text&& sql, const Values&... values) : sql_(std::forward<Text>(sql)) {
        parameters_.reserve(sizeof...(values));
        (parameters_.add(values), ...);
    }

    const Sql& sql() const noexcept { return sql_; }
    const Parameters& parameters() const noexcept { return parameters_; }
    Parameters& parameters() noexcept { return parameters_; }

    /// Declares that running it twice is the same as once, the answer included. Only such statements are sent again
    /// when the connection is lost before their answer came. A read is; so is a write of a given value under a key; and
    /// so is a write guarded by a compare, if it passes where it finds its own effect:
    ///
    ///     UPDATE t SET value = $2, revision = $4 WHERE key = $1 AND revision IN ($3, $4)
    ///     INSERT INTO t (key, value, revision) VALUES ($1, $2, $4) ON CONFLICT (key) DO UPDATE SET value =
    ///         EXCLUDED.value WHERE t.revision = EXCLUDED.revision
    ///
    /// where $3 is the revision that was read and $4 a new one of this write alone (Uuid::v7()): one row is affected
    /// when it is done, however often it was sent, and none when somebody else was first. None, too, when somebody
    /// overwrote it between two sendings, as if it had come too late. A compare with the old revision alone is not
    /// repeatable: sent again it would take its own effect for somebody else's. Writes of any other kind: see once().
    Statement& repeatable() & noexcept {
        repeatable_ = true;
        return *this;
    }
    Statement&& repeatable() && noexcept { return std::move(repeatable()); }
    bool is_repeatable() const noexcept { return repeatable_; }

    // What follows is a promise about a statement that Database runs alone. It then shares a connection and a round
    // trip with the statements of other callers, whose errors it never meets; elsewhere (in a batch, a transaction, on
    // a Connection) it changes nothing.

    /// It only reads, and quickly: by an index, a few rows. A statement that writes must not say so: its write could be
    /// undone by a stranger's error and be acknowledged all the same.
    Statement& read() & noexcept {
        lane_ = Lane::read;
        return repeatable();
    }
    Statement&& read() && noexcept { return std::move(read()); }

    /// It only reads, and may take long: a search, a listing.
    Statement& slow_read() & noexcept {
        lane_ = Lane::slow_read;
        return repeatable();
    }
    Statement&& slow_read() && noexcept { return std::move(slow_read()); }

    /// It only reads, by a key: one SELECT, each parameter compared with an indexed column. Those of the same text that
    /// wait together travel as one statement over arrays; each caller gets the rows of its own key. The parameters are
    /// of scalar types and never NULL; the order of several rows of one key is not kept.
    Statement& read_by_key() & noexcept {
        merges_ = true;
        return read();
    }
    Statement&& read_by_key() && noexcept { return std::move(read_by_key()); }

    /// It writes one row (or few, under one key), and may be committed together with the writes of other callers that
    /// came at the same time: each is acknowledged when the commit is durable, and an error undoes only its own.
    /// `key`: what it locks, written alike by all writers, for example "entries/NAMESPACE/HASH": writes of a group run
    /// in the order of their keys, so that two groups cannot wait for each other. `opening`: runs once before the
    /// writes of a group that ask for it, in their transaction.
    Statement& group_commit(std::string key, std::shared_ptr<const Statement> opening = nullptr) & noexcept {
        lane_ = Lane::write;
        key_ = std::move(key);
        opening_ = std::move(opening);
        return *this;
    }
    Statement&& group_commit(std::string key, std::shared_ptr<const Statement> opening = nullptr) && noexcept {
        return std::move(group_commit(std::move(key), std::move(opening)));
    }

    /// After group_commit(): `many` does for many keys what this does for one. It takes an array for each of these
    /// parameters, which are of scalar types, and the rows that it answers with begin with the number of the element
    /// that they belong to (an integer, from 1). Statements of the same text in a group, no two of one key, then travel
    /// as one, in the order of their keys; if that fails, each is tried again by itself. All that say so take one lane:
    /// two would make two smaller groups of them.
    Statement& merged_as(Sql many) & noexcept {
        merges_ = true;
        many_ = std::move(many);
        return *this;
    }
    Statement&& merged_as(Sql many) && noexcept { return std::move(merged_as(std::move(many))); }

    Lane lane() const noexcept { return lane_; }
    bool merges() const noexcept { return merges_; }
    /// Empty, unless merged_as() was called.
    const Sql& many() const noexcept { return many_; }
    const std::string& key() const noexcept { return key_; }
    const std::shared_ptr<const Statement>& opening() const noexcept { return opening_; }

private:
    Sql sql_;
    Parameters parameters_;
    bool repeatable_ = false;
    bool merges_ = false;
    Lane lane_ = Lane::none;
    Sql many_{""};
    std::string key_;
    std::shared_ptr<const Statement> opening_;
};

}  // namespace v0
}  // namespace stele
