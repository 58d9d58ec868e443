// PostgreSQL's binary COPY format: a header, rows of length-prefixed fields, a trailer.
// https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "stele/statement.hpp"

namespace stele {

inline constexpr std::string_view kCopySignature("PGCOPY\n\xff\r\n\0", 11);
/// The signature, no flags, no extension.
inline constexpr std::string_view kCopyHeader("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
inline constexpr std::string_view kCopyTrailer("\xff\xff", 2);

struct CopyColumn {
    std::string name;
    std::uint32_t type;     ///< OID; below a domain, the type it is made of
    std::string type_name;  ///< for messages
};

/// Whether a row's values fit the columns: the format says nothing of types, so the server would take the bytes of a
/// bigint for a timestamp. Empty columns: only their number is known.
Result<void> check_copy_row(std::span<const Parameters::Slot> row, std::span<const CopyColumn> columns,
                            std::size_t count);

/// The head of a row, and that of a field (-1: NULL), which its bytes follow.
std::string_view copy_row_head(std::size_t fields, char (&out)[2]);
std::string_view copy_field_head(std::int32_t length, char (&out)[4]);

/// Takes a stream apart, however it was cut into pieces. Holds no more than a piece and one row. Not thread-safe.
class CopyDecoder {
public:
    enum class Step : std::uint8_t {
        row,   // fields() has it
        more,  // feed() the next piece, or end()
        done   // the trailer came
    };
    /// Views, valid until the next call. `data` is null for SQL NULL.
    struct Field {
        const char* data;
        std::size_t length;
    };
    /// What PostgreSQL itself holds of one row at most.
    static constexpr std::size_t kMaxRowBytes = 0x3fff'ffff;

    explicit CopyDecoder(std::size_t columns, std::size_t max_row_bytes = kMaxRowBytes)
        : columns_(columns), max_row_bytes_(max_row_bytes) {}

    void feed(std::string_view piece);
    /// Error(server) when the stream is malformed; it gives no more rows then.
    Result<Step> next();
    /// The stream has ended: an error if it was cut off.
    Result<void> end() const;

    const std::vector<Field>& fields() const noexcept { return fields_; }
    std::uint64_t rows() const noexcept { return rows_; }
    std::size_t buffered_bytes() const noexcept { return buffer_.size(); }

private:
    enum class At : std::uint8_t { header, extension, row, field, done, failed };
    struct Place {
        std::size_t offset;  // in the buffer
        std::int32_t length;
    };

    bool has(std::size_t bytes) const noexcept { return buffer_.size() - at_ >= bytes; }
    template <class T>
    T read();
    Result<Step> malformed(std::string what);
    Result<Step> read_header();
    Result<Step> read_extension();
    Result<Step> begin_row();
    Result<Step> read_fields();
    Step finish_row();

    std::size_t columns_;
    std::size_t max_row_bytes_;
    At state_ = At::header;
    std::string buffer_;
    std::size_t start_ = 0;  // of the row, or part of the header, that is being read
    std::size_t at_ = 0;     // what lies before it has been read
    std::size_t extension_ = 0;
    std::int32_t length_ = kUnread;  // of the field that is being read
    std::vector<Place> places_;
    std::vector<Field> fields_;
    std::uint64_t rows_ = 0;

    static constexpr std::int32_t kUnread = -2;
};

}  // namespace stele
