#include "stele/conversation_import.hpp"

#include <fmt/format.h>

#include <span>

#include "base/result.hpp"
#include "memory/turn_builder.hpp"
#include "postgres/identifier.hpp"
#include "stele/conversation_memory.hpp"

namespace stele {
inline namespace v0 {
namespace {

class Import {
public:
    Import(Database& database, const ImportConversationsOptions& options, std::optional<Deadline> deadline)
        : database_(database),
          options_(options),
          deadline_(deadline),
          schema_(options.schema.empty() ? database.quoted_schema() : quote_identifier(options.schema)),
          owner_(find_owner()) {}

    ImportedConversations run() {
        if (options_.identifier) {
            import(*options_.identifier);
            return done_;
        }
        std::string last;
        for (;;) {
            const std::vector<std::string> page = next_page(last);
            if (page.empty()) return done_;
            for (const std::string& identifier : page) import(identifier);
            last = page.back();
        }
    }

private:
    /// The column of memories_elements that names the memory.
    std::string find_owner() {
        const Statement look(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND NOT attisdropped AND attname "
            "IN "
            "('memories', 'identifier') AND to_regclass($2) IS NOT NULL ORDER BY attname DESC LIMIT 1",
            schema_ + ".memories_elements", schema_ + ".memories");
        if (const auto row = database_.query_one(look, deadline_)) return row->get<std::string>(0);
        raise(ErrorCode::not_found,
              fmt::format("the schema {} has no tables memories and memories_elements of draive's", schema_));
    }

    std::vector<std::string> next_page(const std::string& last) {
        constexpr std::int64_t kPage = 500;
        const Statement statement(
            Sql(fmt::format("SELECT identifier::text FROM {}.memories WHERE identifier::text > $1 ORDER BY "
                            "identifier::text LIMIT $2",
                            schema_)),
            last, kPage);
        std::vector<std::string> page;
        for (const Row& row : database_.query(statement, deadline_)) page.push_back(row.get<std::string>(0));
        return page;
    }

    std::vector<ConversationTurn> read(const std::string& identifier) {
        Statement statement(
            Sql(fmt::format(
                "SELECT content, created FROM {}.memories_elements WHERE {}::text = $1 ORDER BY created, ctid", schema_,
                owner_)),
            identifier);
        TurnBuilder builder(identifier);
        for (const Row& row : database_.query(statement.slow_read(), deadline_)) {
            try {
                builder.add(from_json<ModelElement>(row.get<Json>(0)), row.get<Timestamp>(1));
            } catch (const Error& error) {
                raise(ErrorCode::type_mismatch,
                      fmt::format("the memory \"{}\" holds what is no element: {}", identifier, error.what()));
            }
        }
        return builder.finish();
    }

    void import(const std::string& identifier) {
        constexpr std::size_t kBatch = 500;
        const std::vector<ConversationTurn> turns = read(identifier);
        if (turns.empty()) return;
        ConversationMemory to(database_, identifier);
        bool stored = false;
        for (std::size_t at = 0; at < turns.size(); at += kBatch) {
            const auto batch = std::span(turns).subspan(at, std::min(kBatch, turns.size() - at));
            stored = !to.remember(batch, {}, deadline_).repeated || stored;
        }
        ++done_.conversations;
        done_.turns += turns.size();
        done_.stored += stored ? 1 : 0;
        if (options_.progress) options_.progress(done_);
    }

    Database& database_;
    const ImportConversationsOptions& options_;
    const std::optional<Deadline> deadline_;
    const std::string schema_, owner_;
    ImportedConversations done_;
};

}  // namespace

ImportedConversations import_conversations(Database& database, const ImportConversationsOptions& options,
                                           std::optional<Deadline> deadline) {
    return Import(database, options, deadline).run();
}

}  // namespace v0
}  // namespace stele
