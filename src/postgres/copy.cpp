#include "stele/copy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "postgres/copy_format.hpp"
#include "postgres/copy_place.hpp"
#include "postgres/copy_stream.hpp"
#include "postgres/identifier.hpp"
#include "postgres/sql_split.hpp"

namespace stele {
inline namespace v0 {
namespace {

std::string quoted_name(const CopyTable& table) {
    const std::string name = quote_identifier(table.name);
    return table.schema.empty() ? name : quote_identifier(table.schema) + "." + name;
}

std::string column_list(const CopyTable& table) {
    std::string list;
    for (const std::string& column : table.columns) list += (list.empty() ? "" : ", ") + quote_identifier(column);
    return list;
}

// COPY travels in the simple protocol, where the server would run several
std::string only_statement(const Sql& sql) {
    const auto statements = value_or_raise(split_sql(sql.text()));
    if (statements.size() != 1) {
        raise(ErrorCode::invalid_argument,
              fmt::format("a copy takes one statement, and the text has {}", statements.size()));
    }
    return std::string(statements[0]);
}

// The catalogue, not the table: whoever may only insert cannot select from it.
Statement ask_columns(const CopyTable& table) {
    return {
        "SELECT a.attname, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END,"
        " format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a"
        " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
        " WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
        " ORDER BY a.attnum",
        quoted_name(table)};
}

std::vector<CopyColumn> chosen_columns(const CopyTable& table, const Rows& all) {
    std::vector<CopyColumn> chosen;
    for (const Row row : all) {
        chosen.push_back(
            {row.get<std::string>(0), static_cast<std::uint32_t>(row.get<std::int64_t>(1)), row.get<std::string>(2)});
    }
    if (table.columns.empty()) return chosen;
    std::vector<CopyColumn> named;
    for (const std::string& name : table.columns) {
        const auto found = std::find_if(chosen.begin(), chosen.end(), [&](const auto& c) { return c.name == name; });
        // one that is not there is for the server to refuse
        named.push_back(found == chosen.end() ? CopyColumn{name, 0, ""} : *found);
    }
    return named;
}

/// What both directions have in common.
class Copy {
public:
    Copy(std::unique_ptr<CopyPlace::Host> host, std::optional<Deadline> deadline)
        : host_(std::move(host)), deadline_(deadline), stream_(host_->wire()) {
        if (deadline && deadline->expired()) {
            raise(ErrorCode::deadline_exceeded, "the deadline had passed before the call; nothing was sent");
        }
    }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    ~Copy() {
        if (!begun_) return;
        stream_.abort(Deadline::after(std::chrono::seconds(5)));
        host_->fail({});
    }

    Rows prepare(const Statement* question) {
        Rows answer = host_->begin(question, until());
        begun_ = true;
        return answer;
    }
    std::size_t begin(const std::string& sql, CopyStream::Way way) { return checked(stream_.begin(sql, way, until())); }
    /// The value, or the end of the copy.
    template <class T>
    T checked(Result<T>&& result) {
        if (!result) end(std::move(result.error()));
        if constexpr (!std::is_void_v<T>) return std::move(*result);
    }
    [[noreturn]] void end(ErrorInfo error) {
        begun_ = false;
        stream_.abort(until());
        raise(host_->fail(std::move(error)));
    }
    void succeed() {
        begun_ = false;
        host_->succeed(until());
    }

    CopyStream& stream() noexcept { return stream_; }
    bool under_way() const noexcept { return stream_.under_way(); }
    Deadline until() const { return deadline_ ? *deadline_ : host_->default_deadline(); }

private:
    std::unique_ptr<CopyPlace::Host> host_;
    std::optional<Deadline> deadline_;
    CopyStream stream_;
    bool begun_ = false;
};

}  // namespace

struct CopyIn::Impl {
    Impl(std::unique_ptr<CopyPlace::Host> host, std::optional<Deadline> deadline) : copy(std::move(host), deadline) {}

    void begin(const std::string& sql) {
        count = copy.begin(sql, CopyStream::Way::in);
        buffer.reserve(CopyIn::kBufferBytes);
        buffer = kCopyHeader;
    }
    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::string_view part = bytes.substr(0, CopyIn::kBufferBytes - buffer.size());
            buffer += part;
            bytes.remove_prefix(part.size());
            if (buffer.size() == CopyIn::kBufferBytes) flush();
        }
    }
    void flush() {
        copy.checked(copy.stream().put(buffer, copy.until()));
        buffer.clear();
    }
    void check_under_way() const {
        if (!copy.under_way()) raise(ErrorCode::closed, "the copy is over; begin a new one");
    }

    Copy copy;
    std::vector<CopyColumn> columns;
    std::size_t count = 0;
    std::string buffer;
};

CopyIn::CopyIn(CopyPlace place, const CopyTable& table, std::optional<Deadline> deadline)
    : impl_(std::make_unique<Impl>(std::move(place.host_), deadline)) {
    const std::string list = table.columns.empty() ? "" : " (" + column_list(table) + ")";
    const std::string sql = "COPY " + quoted_name(table) + list + " FROM STDIN (FORMAT binary)";
    const Statement question = ask_columns(table);
    impl_->columns = chosen_columns(table, impl_->copy.prepare(&question));
    impl_->begin(sql);
}

CopyIn::CopyIn(CopyPlace place, const Sql& copy_statement, std::optional<Deadline> deadline)
    : impl_(std::make_unique<Impl>(std::move(place.host_), deadline)) {
    const std::string sql = only_statement(copy_statement);
    impl_->copy.prepare(nullptr);
    impl_->begin(sql);
}

CopyIn::CopyIn(CopyIn&&) noexcept = default;
CopyIn& CopyIn::operator=(CopyIn&&) noexcept = default;
CopyIn::~CopyIn() = default;

void CopyIn::add(const Parameters& row) {
    impl_->check_under_way();
    const auto slots = row.slots();
    value_or_raise(check_copy_row(slots, impl_->columns, impl_->count));
    char head[2], field_head[4];
    impl_->write(copy_row_head(slots.size(), head));
    const std::string_view bytes = row.bytes();
    for (const Parameters::Slot& slot : slots) {
        impl_->write(copy_field_head(slot.length, field_head));
        if (slot.length > 0) impl_->write(bytes.substr(slot.offset, static_cast<std::size_t>(slot.length)));
    }
}

std::uint64_t CopyIn::finish() {
    impl_->check_under_way();
    Copy& copy = impl_->copy;
    impl_->write(kCopyTrailer);
    if (!impl_->buffer.empty()) impl_->flush();
    const std::uint64_t rows = copy.checked(copy.stream().finish(copy.until()));
    copy.succeed();
    return rows;
}

std::size_t CopyIn::buffered_bytes() const noexcept {
    return impl_->buffer.size();
}

struct CopyOut::Impl {
    Impl(std::unique_ptr<CopyPlace::Host> host, std::optional<Deadline> deadline) : copy(std::move(host), deadline) {}

    Copy copy;
    Rows description;  // no rows, but the columns
    std::optional<CopyDecoder> decoder;
};

CopyOut::CopyOut(CopyPlace place, const Sql& query, std::optional<Deadline> deadline)
    : impl_(std::make_unique<Impl>(std::move(place.host_), deadline)) {
    // line breaks, because the query may end in a comment
    const std::string inner = "(" + only_statement(query) + "\n)";
    const std::string sql = only_statement("COPY " + inner + " TO STDOUT (FORMAT binary)");
    // the stream says nothing of names and types
    const Statement question(Sql("SELECT * FROM " + inner + " AS q LIMIT 0"));
    Copy& copy = impl_->copy;
    impl_->description = copy.prepare(&question);
    const std::size_t columns = copy.begin(sql, CopyStream::Way::out);
    if (columns != impl_->description.columns()) {
        ErrorInfo error = make_error(ErrorCode::server, "the columns of the query changed meanwhile; begin again");
        error.retry = Retry::transaction;
        copy.end(std::move(error));
    }
    impl_->decoder.emplace(columns);
}

CopyOut::CopyOut(CopyPlace place, const CopyTable& table, std::optional<Deadline> deadline)
    // not COPY of the table itself, which takes neither views nor partitioned tables
    : CopyOut(std::move(place),
              Sql("SELECT " + (table.columns.empty() ? "*" : column_list(table)) + " FROM " + quoted_name(table)),
              deadline) {}

CopyOut::CopyOut(CopyOut&&) noexcept = default;
CopyOut& CopyOut::operator=(CopyOut&&) noexcept = default;
CopyOut::~CopyOut() = default;

std::optional<CopyRow> CopyOut::next() {
    Copy& copy = impl_->copy;
    CopyDecoder& decoder = *impl_->decoder;
    while (copy.under_way()) {
        if (copy.checked(decoder.next()) == CopyDecoder::Step::row) return CopyRow(*impl_);
        if (const auto piece = copy.checked(copy.stream().get(copy.until()))) {
            decoder.feed(*piece);
            continue;
        }
        copy.checked(decoder.end());
        copy.succeed();
    }
    return std::nullopt;
}

std::size_t CopyOut::columns() const noexcept {
    return impl_->description.columns();
}
std::string_view CopyOut::column_name(std::size_t column) const {
    return impl_->description.column_name(column);
}
std::uint64_t CopyOut::rows() const noexcept {
    return impl_->decoder->rows();
}

std::size_t CopyRow::columns() const noexcept {
    return out_->description.columns();
}

std::span<const std::byte> CopyRow::raw(std::size_t column) const {
    const CopyDecoder::Field& field = out_->decoder->fields()[column];
    return {reinterpret_cast<const std::byte*>(field.data), field.length};
}

detail::Cell CopyRow::cell(std::size_t column) const {
    if (column >= columns()) return {};
    const CopyDecoder::Field& field = out_->decoder->fields()[column];
    const Rows& description = out_->description;
    return {field.data, field.length, description.column_type(column), true, description.column_name(column)};
}

detail::Cell CopyRow::cell(std::string_view column) const {
    for (std::size_t i = 0; i < columns(); ++i) {
        if (out_->description.column_name(i) == column) return cell(i);
    }
    return {};
}

void CopyRow::no_value(const detail::Cell& cell) {
    raise(ErrorCode::not_found, cell.column.empty()
                                    ? std::string("the row has no such column")
                                    : fmt::format("column '{}' is NULL; read it with find()", cell.column));
}

}  // namespace v0
}  // namespace stele
