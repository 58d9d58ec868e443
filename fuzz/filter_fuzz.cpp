// Filters of any shape over any documents: what is a key or a value never becomes a part of the statement, whose text
// is that of the same filter with other keys and values of the same kinds; and everything else that is asked of a
// filter has an answer.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/json_tree.hpp"
#include "base/text.hpp"
#include "fuzz.hpp"
#include "index/filter_sql.hpp"
#include "stele/filter.hpp"

namespace {

using stele::Filter;
using stele::Json;
using stele::JsonNode;
using stele::detail::FilterOperation;
using stele::detail::FilterPath;
using stele::detail::ValueKind;

constexpr char kUuid[] = "\"00000000-0000-0000-0000-000000000000\"";
constexpr char kTime[] = "\"2000-01-01T00:00:00Z\"";

/// Reads a filter from bytes: the same shape every time, with the keys and values in them or with others.
class Reader {
public:
    Reader(std::string_view bytes, bool others) : rest_(bytes), others_(others) {}

    Filter filter(int depth) {
        switch (byte() % (depth == 0 ? 3 : 7)) {
            case 3: {
                const Filter first = filter(depth - 1);
                return first && filter(depth - 1);
            }
            case 4: {
                const Filter first = filter(depth - 1);
                return first || filter(depth - 1);
            }
            case 5: return !filter(depth - 1);
            case 6: return Filter();
            default: return comparison();
        }
    }

private:
    std::size_t byte() {
        if (rest_.empty()) return 0;
        const auto value = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    std::string text() {
        const std::size_t length = byte() % 48;
        const std::string text(rest_.substr(0, length));
        rest_.remove_prefix(text.size());
        return text;
    }
    std::string key() {
        std::string mine = text();
        return others_ ? "k" : mine;
    }
    FilterPath path() {
        FilterPath path = {{key(), {}}};
        for (std::size_t i = byte() % 4; i > 0; --i) {
            if (byte() % 2 == 0) {
                path.push_back({key(), {}});
            } else {
                const std::size_t item = byte() << (byte() % 64);
                path.push_back({{}, others_ ? 0 : item});
            }
        }
        return path;
    }
    Json value(ValueKind kind, bool only_text) {
        const std::string mine = text();
        if (only_text) return other_or(Json::string(mine).text(), "\"v\"");
        const Json json = Json::parse(mine);
        if (kind == ValueKind::uuid && !json.is_null()) return other_or(mine, kUuid);
        if (kind == ValueKind::time && !json.is_null()) return other_or(mine, kTime);
        switch (stele::parse_json(mine).kind) {
            case JsonNode::Kind::null: return json;
            case JsonNode::Kind::boolean: return other_or(mine, "true");
            case JsonNode::Kind::number: return other_or(mine, "0");
            case JsonNode::Kind::string: return other_or(mine, "\"v\"");
            case JsonNode::Kind::array: return other_or(mine, "[]");
            case JsonNode::Kind::object: return other_or(mine, "{}");
        }
        return json;
    }
    // what is read is checked in both cases
    Json other_or(const std::string& mine, const char* other) const {
        const Json json = Json::parse(mine);
        return others_ ? Json::parse(other) : json;
    }
    Filter comparison() {
        const FilterPath where = path();
        const auto operation = static_cast<FilterOperation>(byte() % 12);
        const bool only_text = operation == FilterOperation::text_match || operation == FilterOperation::prefix;
        const auto kind = only_text ? ValueKind::json : static_cast<ValueKind>(byte() % 3);
        std::size_t count = 1;
        if (operation == FilterOperation::in || operation == FilterOperation::contains_any) count = byte() % 4;
        if (operation == FilterOperation::is_null || operation == FilterOperation::exists) count = 0;
        std::vector<Json> operands;
        for (std::size_t i = 0; i < count; ++i) operands.push_back(value(kind, only_text));
        return Filter::compare(where, operation, kind, operands);
    }

    std::string_view rest_;
    const bool others_;
};

struct Written {
    std::string sql;
    stele::Parameters parameters;
};
Written write(const Filter& filter) {
    Written written;
    written.sql = stele::filter_sql(filter.node(), "payload", written.parameters);
    return written;
}

std::vector<std::uint32_t> types(const stele::Parameters& parameters) {
    std::vector<std::uint32_t> all;
    for (const auto& slot : parameters.slots()) all.push_back(slot.oid);
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr int kDepth = 6;
    const std::string_view bytes = as_text(data, size);
    const std::string_view text = bytes.substr(0, bytes.find('\n'));
    const std::string_view shape = bytes.substr(std::min(bytes.size(), text.size() + 1));
    Filter filter;
    if (!accepts([&] { filter = Reader(shape, false).filter(kDepth); })) return 0;
    const Written written = write(filter);
    const Written other = write(Reader(shape, true).filter(kDepth));
    require(written.sql == other.sql && types(written.parameters) == types(other.parameters));
    require(stele::find_text_fault(filter.to_string()) == std::nullopt);

    Json document;
    if (!accepts([&] { document = Json::parse(text); })) return 0;
    require(filter.matches(document) != (!filter).matches(document));
    require((filter || !filter).matches(document) && !(filter && !filter).matches(document));
    return 0;
}
