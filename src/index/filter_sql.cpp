#include "index/filter_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/result.hpp"
#include "base/words.hpp"
#include "index/member_index.hpp"
#include "postgres/oids.hpp"

namespace stele {
namespace {

using Operation = detail::FilterOperation;
using Kind = JsonNode::Kind;
using detail::ValueKind;

constexpr std::string_view kIsUuid =
    "'^([0-9a-fA-F]{32}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$'";
// What parse_iso8601 reads, but for days that their month does not have.
constexpr std::string_view kIsTime =
    "'^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    "([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)$'";
constexpr std::string_view kDayExists =
    "substr(s.t, 9, 2)::int <= extract(day from (left(s.t, 7) || '-01')::date + interval '1 month - 1 day')";
// Not a cast of the whole: digits beyond the sixth are to be dropped, not rounded, and PostgreSQL refuses some offsets.
constexpr std::string_view kTime =
    "((left(s.t, 10) || ' ' || substr(s.t, 12, 8))::timestamp AT TIME ZONE 'UTC' "
    "+ coalesce(rpad(substring(s.t from '[.]([0-9]{1,6})'), 6, '0')::int, 0) * interval '1 microsecond' "
    "- coalesce((substring(s.t from '([+-][0-9]{2}):?[0-9]{0,2}$') || ' hours')::interval, '0') "
    "- coalesce((substring(s.t from '([+-])[0-9]{2}:?[0-9]{2}$') || substring(s.t from '[+-][0-9]{2}:?([0-9]{2})$') "
    "|| ' minutes')::interval, '0'))";

class Writer {
public:
    Writer(std::string_view column, Parameters& parameters,
           const std::function<bool(const detail::FilterPath&)>& is_written)
        : column_(column), parameters_(parameters), is_written_(is_written) {}

    /// `negated`: NULL would not do for false.
    std::string condition(const FilterNode& filter, bool negated = false) {
        switch (filter.kind) {
            case FilterNode::Kind::all: return joined(filter, " AND ", "true", negated);
            case FilterNode::Kind::any: return joined(filter, " OR ", "false", negated);
            case FilterNode::Kind::negation: return fmt::format("(NOT {})", condition(*filter.parts.front(), true));
            case FilterNode::Kind::comparison: break;
        }
        // an index knows a comparison, and not one that IS TRUE
        const std::string text = "(" + comparison(filter) + ")";
        return negated ? "(" + text + " IS TRUE)" : text;
    }

private:
    template <class Value>
    std::string bind(const Value& value, std::string_view type) {
        parameters_.add(value);
        return fmt::format("${}::{}", parameters_.slots().size(), type);
    }
    std::string bind_json(const JsonNode& value) { return bind(Json::trusted(value.to_text()), "jsonb"); }
    std::string bind_text(const JsonNode& value) { return bind(std::string_view(value.text), "text"); }

    std::string joined(const FilterNode& filter, std::string_view by, std::string_view of_none, bool negated) {
        if (filter.parts.empty()) return std::string(of_none);
        std::string text = "(";
        for (std::size_t i = 0; i < filter.parts.size(); ++i) {
            if (i > 0) text += by;
            text += condition(*filter.parts[i], negated);
        }
        return text += ")";
    }

    // A key finds something in objects only, a number in arrays only, as a path means it ("->" by a number takes a
    // scalar for an array of one). Both are bound, so no text of a caller can become a part of the statement.
    std::string value_at(const detail::FilterPath& path) {
        if (is_written_ && is_written_(path)) return member_value_sql(path, column_);
        std::string text(column_);
        for (const detail::FilterStep& step : path) {
            if (!step.item) {
                text = fmt::format("({} -> {})", text, bind(std::string_view(step.key), "text"));
                continue;
            }
            constexpr std::size_t kLast = std::numeric_limits<std::int32_t>::max();
            text = fmt::format("jsonb_path_query_first({}, 'strict $[$i]', jsonb_build_object('i', {}), true)", text,
                               bind(static_cast<std::int32_t>(std::min(*step.item, kLast)), "int4"));
        }
        return text;
    }

    // `test` is what follows the value as what it is; NULL when it is none.
    static std::string as_uuid(const std::string& value, const std::string& test) {
        return fmt::format(
            "(SELECT CASE WHEN s.t ~ {} THEN s.t::uuid {} END FROM (SELECT CASE jsonb_typeof({}) WHEN 'string' THEN {} "
            "#>> '{{}}' END AS t) s)",
            kIsUuid, test, value, value);
    }
    static std::string as_time(const std::string& value, const std::string& test) {
        return fmt::format(
            "(SELECT CASE WHEN s.t ~ {} THEN CASE WHEN {} THEN {} {} END END FROM (SELECT CASE jsonb_typeof({}) WHEN "
            "'string' THEN {} #>> '{{}}' END AS t) s)",
            kIsTime, kDayExists, kTime, test, value, value);
    }

    /// True when the value stands in the relation to the operand; NULL or false when not.
    std::string related(const std::string& value, std::string_view relation, const JsonNode& operand, ValueKind kind) {
        if (kind == ValueKind::uuid && operand.kind == Kind::string) {
            return as_uuid(value, fmt::format("{} {}", relation, bind(*Uuid::parse(operand.text), "uuid")));
        }
        if (kind == ValueKind::time && operand.kind == Kind::string) {
            return as_time(value, fmt::format("{} {}", relation, bind(*parse_iso8601(operand.text), "timestamptz")));
        }
        // as indexes on members have it
        if (relation == "=") return fmt::format("coalesce({}, 'null') = {}", value, bind_json(operand));
        switch (operand.kind) {
            case Kind::number:
                // Other types come before and behind numbers, and so an index passes them by. Json holds none below.
                return fmt::format("coalesce({}, 'null') {} {} AND coalesce({}, 'null') {}", value, relation,
                                   bind_json(operand), value, relation.front() == '<' ? "> '-2e308'" : "< 'false'");
            case Kind::string:
                return fmt::format("CASE jsonb_typeof({}) WHEN 'string' THEN ({} #>> '{{}}') COLLATE \"C\" {} {} END",
                                   value, value, relation, bind_text(operand));
            default: return "false";
        }
    }

    /// True when the value is one of the operands. One parameter for all of them, so that lists of any length are one
    /// prepared statement.
    std::string among(const std::string& value, const std::vector<JsonNode>& operands, ValueKind kind) {
        if (kind == ValueKind::json) {
            JsonNode list;
            list.kind = Kind::array;
            list.items = operands;
            return fmt::format("coalesce({}, 'null') = ANY (ARRAY(SELECT jsonb_array_elements({})))", value,
                               bind_json(list));
        }
        const std::vector<std::string> texts = texts_of(operands);
        std::string text = "false";
        if (!texts.empty()) {
            text = kind == ValueKind::uuid ? as_uuid(value, fmt::format("= ANY ({})", bind_uuids(texts)))
                                           : as_time(value, fmt::format("= ANY ({})", bind_times(texts)));
        }
        // else it is null: see Filter::compare()
        if (texts.size() < operands.size()) text += fmt::format(" OR coalesce({}, 'null') = 'null'", value);
        return text;
    }
    static std::vector<std::string> texts_of(const std::vector<JsonNode>& operands) {
        std::vector<std::string> texts;
        for (const JsonNode& operand : operands) {
            if (operand.kind == Kind::string) texts.push_back(operand.text);
        }
        return texts;
    }
    std::string bind_uuids(const std::vector<std::string>& texts) {
        std::vector<Uuid> uuids;
        for (const std::string& text : texts) uuids.push_back(*Uuid::parse(text));
        return bind(uuids, "uuid[]");
    }
    std::string bind_times(const std::vector<std::string>& texts) {
        std::vector<Parameters> times(texts.size());
        std::vector<const Parameters*> rows;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            times[i].add(*parse_iso8601(texts[i]));
            rows.push_back(&times[i]);
        }
        parameters_.add_column(rows, 0, oid::kTimestamptzArray);
        return fmt::format("${}::timestamptz[]", parameters_.slots().size());
    }

    /// Any of them.
    std::string contains(const std::string& value, const std::vector<JsonNode>& operands, ValueKind kind) {
        if (operands.empty()) return "false";
        std::string text = fmt::format(
            "CASE jsonb_typeof({}) WHEN 'array' THEN EXISTS (SELECT FROM jsonb_array_elements({}) AS e(v) WHERE {})",
            value, value,
            operands.size() == 1 ? related("e.v", "=", operands.front(), kind) : among("e.v", operands, kind));
        const std::vector<std::string> texts = texts_of(operands);
        if (kind == ValueKind::json && !texts.empty()) {
            const std::string wanted = bind(texts, "text[]");
            text += fmt::format(
                " WHEN 'string' THEN EXISTS (SELECT FROM unnest({}) AS w(t) WHERE strpos({} #>> '{{}}', w.t) > 0) WHEN "
                "'object' THEN jsonb_exists_any({}, {})",
                wanted, value, value, wanted);
        }
        return text + " END";
    }

    std::string has_words(const std::string& value, const JsonNode& operand) {
        const WordRules& rules = word_rules();
        // lower() under "C" changes ASCII's capitals; most texts have no others
        return fmt::format(
            "(SELECT regexp_split_to_array(lower(f.t COLLATE \"C\"), {}) @> {} FROM (SELECT CASE WHEN "
            "octet_length(s.t) = "
            "length(s.t) THEN s.t ELSE (SELECT string_agg(coalesce(m.t, c.c), '' ORDER BY c.n) FROM "
            "regexp_split_to_table(normalize(s.t, NFC), '') WITH ORDINALITY AS c(c, n) LEFT JOIN unnest({}, {}) AS "
            "m(f, t) ON m.f COLLATE \"C\" = c.c COLLATE \"C\") END AS t FROM (SELECT CASE jsonb_typeof({}) WHEN "
            "'string' THEN {} #>> '{{}}' END AS t) s) f)",
            bind(std::string_view(rules.between), "text"), bind(words_of(operand.text), "text[]"),
            bind(rules.folds_from, "text[]"), bind(rules.folds_to, "text[]"), value, value);
    }

    std::string comparison(const FilterNode& filter) {
        const std::string value = value_at(filter.path);
        const auto is = [&](std::string_view relation) {
            return related(value, relation, filter.operands.front(), filter.values);
        };
        std::string text;
        switch (filter.operation) {
            case Operation::equal: text = is("="); break;
            case Operation::less: text = is("<"); break;
            case Operation::less_or_equal: text = is("<="); break;
            case Operation::greater: text = is(">"); break;
            case Operation::greater_or_equal: text = is(">="); break;
            case Operation::in: text = among(value, filter.operands, filter.values); break;
            case Operation::contains:
            case Operation::contains_any: text = contains(value, filter.operands, filter.values); break;
            case Operation::text_match: text = has_words(value, filter.operands.front()); break;
            case Operation::prefix:
                text = fmt::format("CASE jsonb_typeof({}) WHEN 'string' THEN starts_with({} #>> '{{}}', {}) END", value,
                                   value, bind_text(filter.operands.front()));
                break;
            case Operation::is_null: text = fmt::format("coalesce({}, 'null') = 'null'", value); break;
            case Operation::exists: text = fmt::format("{} IS NOT NULL", value); break;
        }
        if (is_by_index(filter)) text += " AND " + is_indexed_sql(fmt::format("coalesce({}, 'null')", value));
        return text;
    }

    std::string_view column_;
    Parameters& parameters_;
    const std::function<bool(const detail::FilterPath&)>& is_written_;
};

}  // namespace

std::string filter_sql(const FilterNode& filter, std::string_view column, Parameters& parameters,
                       const std::function<bool(const detail::FilterPath&)>& is_written) {
    std::string text = Writer(column, parameters, is_written).condition(filter);
    constexpr std::size_t kMostParameters = 60'000;  // of 65,535: the statement has others
    if (parameters.slots().size() > kMostParameters) {
        raise(ErrorCode::limit_exceeded, fmt::format("the filter has {} keys and values; it may have {}",
                                                     parameters.slots().size(), kMostParameters));
    }
    return text;
}

}  // namespace stele
