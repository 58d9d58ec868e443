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
            import({*options_.identifier});
            return done_;
        }
        std::optional<std::string> last;
        for (;;) {
            const std::vector<std::string> page = next_page(last);
            if (page.empty()) return done_;
            import(page);
            last = page.back();
        }
    }

private:
    /// The column of memories_elements that names the memory, and its type.
    struct Owner {
        std::string column, type;
    };

    Owner find_owner() {
        const Statement look(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass($1) "
            "AND NOT attisdropped AND attname IN ('memories', 'identifier') AND to_regclass($2) IS NOT NULL ORDER BY "
            "attname DESC LIMIT 1",
            schema_ + ".memories_elements", schema_ + ".memories");
        if (const auto row = database_.query_one(look, deadline_)) {
            return {row->get<std::string>(0), row->get<std::string>(1)};
        }
        raise(ErrorCode::not_found,
              fmt::format("the schema {} has no tables memories and memories_elements of draive's", schema_));
    }

    std::vector<std::string> next_page(const std::optional<std::string>& last) {
        const std::string select = fmt::format("SELECT identifier::text FROM {}.memories", schema_);
        const std::string order = fmt::format(" ORDER BY identifier LIMIT {}", kPage);
        const Statement statement =
            last ? Statement(select + fmt::format(" WHERE identifier > $1::text::{}", owner_.type) + order, *last)
                 : Statement(select + order);
        std::vector<std::string> page;
        for (const Row& row : database_.query(statement, deadline_)) page.push_back(row.get<std::string>(0));
        return page;
    }

    /// Of all of a page at once: the tables of another schema may have no index by which to find those of one.
    void import(const std::vector<std::string>& identifiers) {
        const Statement statement(
            fmt::format("SELECT {0}::text, content, created FROM {1}.memories_elements WHERE {0} = "
                        "ANY ($1::text[]::{2}[]) ORDER BY {0}, created, ctid",
                        owner_.column, schema_, owner_.type),
            identifiers);
        std::optional<TurnBuilder> builder;
        std::string identifier;
        for (const Row& row : database_.query(Statement(statement).slow_read(), deadline_)) {
            const auto of = row.get<std::string_view>(0);
            if (!builder || of != identifier) {
                if (builder) store(identifier, builder->finish());
                identifier = of;
                builder.emplace(identifier);
            }
            try {
                builder->add(from_json<ModelElement>(row.get<Json>(1)), row.get<Timestamp>(2));
            } catch (const Error& error) {
                raise(ErrorCode::type_mismatch,
                      fmt::format("the memory \"{}\" holds what is no element: {}", identifier, error.what()));
            }
        }
        if (builder) store(identifier, builder->finish());
    }

    void store(const std::string& identifier, const std::vector<ConversationTurn>& turns) {
        constexpr std::size_t kBatch = 500;
        if (turns.empty()) return;
        ConversationMemory to(database_, identifier);
        bool stored = false;
        for (std::size_t at = 0; at < turns.size(); at += kBatch) {
            const auto batch = std::span(turns).subspan(at, std::min(kBatch, turns.size() - at));
            stored = !to.remember(batch, {.allow_unasked = true}, deadline_).repeated || stored;
        }
        ++done_.conversations;
        done_.turns += turns.size();
        done_.stored += stored ? 1 : 0;
        if (options_.progress) options_.progress(done_);
    }

    static constexpr int kPage = 50;

    Database& database_;
    const ImportConversationsOptions& options_;
    const std::optional<Deadline> deadline_;
    const std::string schema_;
    const Owner owner_;
    ImportedConversations done_;
};

}  // namespace

ImportedConversations import_conversations(Database& database, const ImportConversationsOptions& options,
                                           std::optional<Deadline> deadline) {
    return Import(database, options, deadline).run();
}

}  // namespace v0
}  // namespace stele
