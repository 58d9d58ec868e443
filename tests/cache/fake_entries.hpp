// The tables, as far as the vectors in memory read them, without a server.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "cache/cache_sql.hpp"
#include "cache/entry_vector.hpp"
#include "postgres/big_endian.hpp"
#include "postgres/oids.hpp"
#include "support/fake_rows.hpp"

namespace stele::test {

/// Answers the statements of VectorMemory; each row of the tables is a public value. Not synchronised.
class FakeEntries final : public Executor {
public:
    struct Entry {
        std::int64_t writer;
        std::string name_space, hash;
        std::vector<float> vector;
    };
    static std::string hash_of(std::int64_t id) { return "hash " + std::to_string(id); }

    explicit FakeEntries(const CacheSql& sql) : sql_(sql) {}

    /// In a transaction of its own, with a new id.
    std::int64_t add(const std::string& name_space, std::vector<float> vector) {
        const std::int64_t id = entries.empty() ? 1 : entries.rbegin()->first + 1;
        replace(id, name_space, std::move(vector));
        return id;
    }
    void replace(std::int64_t id, const std::string& name_space, std::vector<float> vector) {
        entries[id] = {++writer_, name_space, hash_of(id), std::move(vector)};
    }
    std::int64_t last_writer() const { return writer_; }

    std::map<std::int64_t, Entry> entries;  // by id

    int statements = 0;                                     ///< answered so far
    int vectors_sent = 0;                                   ///< with them
    std::optional<int> patience{};                          ///< so many more are answered, then the deadline passes
    std::function<void()> before_answer{}, after_answer{};  ///< called on the asking thread

private:
    using Column = FakeColumn;
    using Line = std::vector<FakeValue>;

    void perform(std::span<const Statement> statements_asked, std::span<Rows> answers, Deadline) override {
        for (std::size_t i = 0; i < statements_asked.size(); ++i) {
            if (before_answer) before_answer();
            if (patience && (*patience)-- <= 0) raise(ErrorCode::deadline_exceeded, "the fake's patience is over");
            answers[i] = answer(statements_asked[i]);
            ++statements;
            if (after_answer) after_answer();
        }
    }
    Deadline default_deadline() const override { return Deadline::never(); }

    Rows answer(const Statement& statement) {
        const std::string_view text = statement.sql().text();
        if (text == sql_.load.text()) return load(statement);
        if (text == sql_.by_question.text()) return by_question(statement);
        raise(ErrorCode::invalid_argument, "not faked: " + std::string(text));
    }

    Rows load(const Statement& asked) {
        std::vector<Line> lines;
        for (const auto& [id, entry] : entries) {
            if (static_cast<std::int64_t>(lines.size()) == integer(asked, 2)) break;
            if (id > integer(asked, 1) && entry.name_space == text(asked, 0)) lines.push_back(with_vector(id, entry));
        }
        return fake_rows(vector_columns(), lines);
    }
    Rows by_question(const Statement& asked) {
        const std::vector<std::string> hashes = texts(asked, 1);
        std::vector<Line> lines;
        for (const auto& [id, entry] : entries) {
            if (entry.name_space == text(asked, 0) && contains(hashes, entry.hash)) {
                lines.push_back(with_vector(id, entry));
            }
        }
        return fake_rows(vector_columns(), lines);
    }
    Line with_vector(std::int64_t id, const Entry& entry) {
        ++vectors_sent;
        const Bytes bytes = encode_entry_vector(entry.vector);
        return {str(id), entry.name_space, entry.hash, str(entry.writer),
                std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
    }
    static std::vector<Column> vector_columns() {
        return {number("id"),
                {"namespace", oid::kText},
                {"query_hash", oid::kText},
                number("writer"),
                {"embedding", oid::kBytea}};
    }
    static Column number(const std::string& name) { return {name, oid::kInt8, false}; }
    static std::string str(std::int64_t value) { return std::to_string(value); }
    template <class T>
    static bool contains(const std::vector<T>& all, const T& one) {
        return std::find(all.begin(), all.end(), one) != all.end();
    }

    // parameters, from their binary form
    static std::string_view text(const Statement& asked, std::size_t parameter) {
        const Parameters::Slot& slot = asked.parameters().slots()[parameter];
        return std::string_view(asked.parameters().bytes()).substr(slot.offset, static_cast<std::size_t>(slot.length));
    }
    static std::int64_t integer(const Statement& asked, std::size_t parameter) {
        return read_big_endian<std::int64_t>(text(asked, parameter).data());
    }
    static std::vector<std::string> texts(const Statement& asked, std::size_t parameter) {
        constexpr std::size_t kHeader = 20, kLength = 4;
        const std::string_view array = text(asked, parameter);
        std::vector<std::string> elements;
        for (std::size_t at = kHeader; at < array.size();) {
            const auto length = static_cast<std::size_t>(read_big_endian<std::int32_t>(array.data() + at));
            elements.emplace_back(array.substr(at + kLength, length));
            at += kLength + length;
        }
        return elements;
    }

    const CacheSql& sql_;
    std::int64_t writer_ = 100;
};

}  // namespace stele::test
